"""A radiologist's mark is found where it was put, from a text file and from a mask."""

import h5py
import numpy as np
import pytest
from PIL import Image

from datasets.annotations import boxes_in_pixels, mark_around, marks_beside, read_marked
from scans import Box, ScanError


def test_a_box_beside_a_picture_is_read_and_placed(tmp_path):
    """Centre (0.5, 0.25), 0.2 wide and 0.1 high, of 100 rows and 200 columns: rows 20 to 30, columns 80 to 120."""
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (100, 1))).save(tmp_path / "7.jpg")
    (tmp_path / "7.txt").write_text("0 0.5 0.25 0.2 0.1\n")
    scan, marks = read_marked(tmp_path / "7.jpg")
    assert scan.shape == (100, 200)
    assert boxes_in_pixels(marks, scan.shape) == (Box(20, 80, 30, 120),)


def test_a_picture_without_a_text_file_has_no_mark(tmp_path):
    assert marks_beside(tmp_path / "8.jpg") == ()


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.2\n", "0 0.5 0.5 0.2 1.4\n", "a box\n"])
def test_a_text_file_of_anything_else_is_refused(tmp_path, text):
    (tmp_path / "9.txt").write_text(text)
    with pytest.raises(ScanError, match="five numbers a line"):
        marks_beside(tmp_path / "9.jpg")


def test_the_mark_of_a_mask_is_the_box_around_it():
    mask = np.zeros((10, 20), bool)
    mask[2:4, 5:10] = True
    assert boxes_in_pixels(mark_around(mask), mask.shape) == (Box(2, 5, 4, 10),)
    assert mark_around(np.zeros((10, 20), bool)) == ()


def test_a_figshare_file_gives_its_slice_and_the_box_of_its_mask(tmp_path):
    image, mask = np.arange(48 * 40).reshape(48, 40), np.zeros((48, 40), np.uint8)
    mask[6:18, 10:30] = 1
    with h5py.File(tmp_path / "3.mat", "w") as file:  # MATLAB stores column by column
        file["cjdata/image"], file["cjdata/tumorMask"] = image.T.astype(np.int16), mask.T
    scan, marks = read_marked(tmp_path / "3.mat")
    assert scan.shape == (48, 40)
    assert boxes_in_pixels(marks, scan.shape) == (Box(6, 10, 18, 30),)
