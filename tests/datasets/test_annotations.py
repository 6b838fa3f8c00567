"""A radiologist's annotation is read where it was put, from a text file and from a mask."""

import hashlib

import cv2
import h5py
import numpy as np
import pytest
from PIL import Image

from datasets.annotations import annotated_boxes, boxes_around, boxes_beside, boxes_in_pixels, has_annotation
from datasets.records import DatasetError, Record, load, load_annotated
from scans import Box, ScanError, phantom


def test_a_box_beside_a_picture_is_read_and_placed(tmp_path):
    """Centre (0.5, 0.25), 0.2 wide and 0.1 high, of 100 rows and 200 columns: rows 20 to 30, columns 80 to 120."""
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (100, 1))).save(tmp_path / "7.jpg")
    (tmp_path / "7.txt").write_text("0 0.5 0.25 0.2 0.1\n")
    assert has_annotation(tmp_path / "7.jpg")
    scan, mask = load_annotated(Record("7.jpg", "glioma", tmp_path / "7.jpg"))
    assert scan.shape == mask.shape == (100, 200)
    assert boxes_in_pixels(annotated_boxes(tmp_path / "7.jpg"), scan.shape) == (Box(20, 80, 30, 120),)
    assert mask[20:30, 80:120].all() and mask.sum() == 10 * 40


def test_a_picture_without_a_text_file_has_no_annotation(tmp_path):
    assert boxes_beside(tmp_path / "8.jpg") == () and not has_annotation(tmp_path / "8.jpg")


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.2\n", "0 0.5 0.5 0.2 1.4\n", "a box\n"])
def test_a_text_file_of_anything_else_is_refused(tmp_path, text):
    (tmp_path / "9.txt").write_text(text)
    with pytest.raises(ScanError, match=r"9\.txt"):
        boxes_beside(tmp_path / "9.jpg")


def test_the_annotation_of_a_mask_is_the_box_around_it():
    mask = np.zeros((10, 20), bool)
    mask[2:4, 5:10] = True
    assert boxes_in_pixels(boxes_around(mask), mask.shape) == (Box(2, 5, 4, 10),)
    assert boxes_around(np.zeros((10, 20), bool)) == ()


def test_a_figshare_file_gives_its_slice_and_the_box_of_its_mask(tmp_path):
    image, mask = np.arange(48 * 40).reshape(48, 40), np.zeros((48, 40), np.uint8)
    mask[6:18, 10:30] = 1
    with h5py.File(tmp_path / "3.mat", "w") as file:  # MATLAB stores column by column
        file["cjdata/image"], file["cjdata/tumorMask"] = image.T.astype(np.int16), mask.T
    scan = load(Record("3.mat", "glioma", tmp_path / "3.mat"))
    assert (scan.shape, scan.modality, scan.sequence) == ((48, 40), "MR", "T1C+")
    assert scan.digest == hashlib.sha256((tmp_path / "3.mat").read_bytes()).hexdigest()
    boxes = annotated_boxes(tmp_path / "3.mat")
    assert boxes_in_pixels(boxes, scan.shape) == (Box(6, 10, 18, 30),)
    assert load_annotated(Record("3.mat", "glioma", tmp_path / "3.mat"))[1].sum() == 12 * 20


def test_a_broken_annotation_beside_a_scan_names_its_file(tmp_path):
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (100, 1))).save(tmp_path / "7.png")
    (tmp_path / "7.txt").write_text("a box\n")
    with pytest.raises(DatasetError, match=r"7\.txt"):
        load_annotated(Record("7.png", "glioma", tmp_path / "7.png"))


def test_the_lesion_of_a_phantom_is_the_one_it_was_drawn_with():
    scan, lesion = load_annotated(Record("glioma/3", "glioma"))
    assert scan.digest == phantom("glioma", 3).scan.digest
    assert np.array_equal(lesion, phantom("glioma", 3).mask)
    assert load_annotated(Record("notumor/3", "notumor"))[1].sum() == 0


def test_of_a_box_that_reaches_past_the_edge_the_part_in_the_picture_is_filled(tmp_path):
    """Centres at a tenth and nine tenths, 0.4 wide and high, of 100 rows and 200 columns: 30 x 60 pixels."""
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (100, 1))).save(tmp_path / "7.png")
    for box, corner in (("0.1 0.1", np.s_[:30, :60]), ("0.9 0.9", np.s_[70:, 140:])):
        (tmp_path / "7.txt").write_text(f"0 {box} 0.4 0.4\n")
        _, mask = load_annotated(Record("7.png", "glioma", tmp_path / "7.png"))
        assert mask[corner].all() and mask.sum() == 30 * 60


def test_the_boxes_of_a_file_are_filled(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.arange(100 * 200, dtype=np.uint32).reshape(100, 200).astype(np.uint8))
    scan, lesion = load_annotated(Record("a.png", "glioma", path, boxes=((0.5, 0.5, 0.1, 0.2),)))
    rows, columns = np.nonzero(lesion)
    assert scan.shape == lesion.shape == (100, 200)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (40, 60, 90, 110) and lesion.sum() == 400
    assert load_annotated(Record("a.png", "glioma", path))[1].sum() == 0
