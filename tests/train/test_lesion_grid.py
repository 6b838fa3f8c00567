"""A lesion's place follows its box through crop, scaling and the coarse grid."""

import cv2
import numpy as np
import pytest

from datasets.near_duplicates import POSITIONS, NearDuplicates, positioned
from datasets.records import Record
from scans import InputSpec, Scan, fit
from tests.datasets.collections import draw_collections
from train.lesion_grid import cells, lesion_mask, lesion_place, places_passed_on
from train.pipeline import gather
from train.recipe import Recipe


def placed(label: str, boxes=(), shape=(100, 100), size=50) -> np.ndarray:
    scan = Scan(np.zeros(shape, np.float32), digest="")
    _, placement = fit(scan, InputSpec(size, size, 1, crop=False))
    return lesion_place(Record("x", label, boxes=boxes), placement)


def test_a_box_is_scaled_with_the_scan():
    """x 0.4 to 0.6 and y 0.2 to 0.8 of 100 pixels, shown at 50: columns 20 to 30, rows 10 to 40."""
    assert placed("glioma", ((0.5, 0.5, 0.2, 0.6),)).tolist() == [10, 20, 40, 30]


def test_a_wide_scan_is_centred_and_so_is_its_lesion():
    """50 rows of 100 columns fill rows 12 to 37 of the square: the middle row 25 goes to 12 + 12.5."""
    place = placed("glioma", ((0.5, 0.5, 0.2, 0.2),), shape=(50, 100))
    assert place.tolist() == pytest.approx([22, 20, 27, 30], abs=1)


def test_the_largest_of_several_boxes_is_taken():
    assert placed("glioma", ((0.2, 0.2, 0.1, 0.1), (0.6, 0.6, 0.4, 0.4))).tolist() == [20, 20, 40, 40]


@pytest.mark.parametrize("label", ["notumor", "normal"])
def test_a_healthy_scan_is_known_to_have_no_lesion(label):
    assert lesion_mask(placed(label), (50, 50)).max() == 0


def test_a_lesion_without_annotation_is_unknown_not_absent():
    assert lesion_mask(placed("glioma"), (50, 50)) is None


def test_the_lesion_is_the_ellipse_within_its_box():
    canvas = lesion_mask(np.array([10, 20, 40, 30], np.float32), (50, 50))
    rows, columns = np.nonzero(canvas)
    assert (rows.min(), rows.max()) == pytest.approx((10, 39), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((20, 29), abs=1)
    assert (canvas > 0).sum() == pytest.approx(np.pi / 4 * 30 * 10, rel=0.15)


def test_a_cell_holds_the_share_of_it_that_is_lesion():
    picture = np.zeros((16, 16), np.uint8)
    picture[:8, 8:] = 255  # the upper right cell, whole
    picture[8:, :4] = 255  # half of the lower left one
    np.testing.assert_allclose(cells(picture, 2), [[0, 1], [0.5, 0]], atol=1 / 255)


def passed_on(position: int = 0, close: bool = True, **changes) -> np.ndarray:
    """The place of scan 0, which has no annotation, when its near-duplicate, scan 1, has one."""
    facts = {"label": "glioma", "split": "train"}
    records = [Record("a", **facts | changes), Record("b", **facts)]
    places = np.array([[np.nan] * 4, [10, 20, 40, 26]], np.float32)
    duplicates = NearDuplicates(np.array([[0, 1], [1, 0]]), np.array([close] * 2), np.array([position] * 2))
    return places_passed_on(places, records, duplicates, 50)[0]


@pytest.mark.parametrize("position", range(len(POSITIONS)), ids=POSITIONS)
def test_a_place_is_passed_on_to_a_near_duplicate_as_its_picture_is_mirrored_and_turned(position):
    square = np.zeros((50, 50), np.uint8)
    square[10:40, 20:26] = 1
    top, left, bottom, right = passed_on(position).astype(int)
    moved = np.zeros((50, 50), np.uint8)
    moved[top:bottom, left:right] = 1
    assert np.array_equal(moved, positioned(square, position))


@pytest.mark.parametrize(
    "changes", [{"close": False}, {"label": "meningioma"}, {"split": "val"}, {"split": "left out"}], ids=str
)
def test_no_place_comes_from_a_scan_that_is_not_close_or_of_another_class_or_split(changes):
    assert np.isnan(passed_on(**changes)).all()


def test_a_known_place_is_kept():
    places = np.array([[1, 2, 3, 4], [10, 20, 40, 26]], np.float32)
    records = [Record(name, "glioma", split="train") for name in "ab"]
    duplicates = NearDuplicates(np.array([[0, 1], [1, 0]]), np.array([True] * 2), np.zeros(2, int))
    assert np.array_equal(places_passed_on(places, records, duplicates, 50), places)


@pytest.mark.parametrize("crop", [0, 1])
def test_a_place_is_passed_on_between_heads_alone_and_not_between_whole_pictures(crop, tmp_path):
    """Kaggle's copies of figshare's gliomas have a wide border: in a whole picture the lesion is elsewhere."""
    data = draw_collections(tmp_path)
    for path in (data / "figshare-brain-tumor" / "glioma").glob("*.png"):
        copy = np.pad(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), 60)
        cv2.imwrite(str(data / "brain-tumor-mri-dataset" / "Training" / "glioma" / path.name), copy)
    scans = gather(Recipe(task="pooled4", network="cnn3", size=32, cohorts="kaggle,figshare", crop=crop), data)
    copies = np.array([record.cohort == "kaggle" and record.label == "glioma" for record in scans.records])
    known = ~np.isnan(scans.places[copies]).any(axis=1)
    assert known.any() == bool(crop) and copies.any()
