"""The head is found whatever surrounds it; its place is known because the tests draw it."""

import cv2
import numpy as np
import pytest

from scans import find_head

HEAD = (60, 40, 220, 180)  # top, left, bottom, right of an ellipse in a picture of 256 x 240


def drawn_head(shape=(256, 240), value=0.5) -> np.ndarray:
    top, left, bottom, right = HEAD
    picture = np.zeros(shape, np.float32)
    centre, axes = ((left + right) // 2, (top + bottom) // 2), ((right - left) // 2, (bottom - top) // 2)
    cv2.ellipse(picture, centre, axes, 0, 0, 360, value, -1)
    return picture


def off_by(box) -> int:
    return max(abs(found - true) for found, true in zip(box, HEAD, strict=True))


def test_an_ellipse_is_found_within_its_margin():
    assert off_by(find_head(drawn_head())) <= 5


def test_noise_in_the_air_does_not_widen_the_box():
    noisy = drawn_head() + np.abs(np.random.default_rng(0).normal(0, 0.06, (256, 240))).astype(np.float32)
    assert off_by(find_head(np.clip(noisy, 0, 1))) <= 6


def test_burned_in_text_is_not_part_of_the_head():
    labelled = np.round(255 * drawn_head()).astype(np.uint8)  # OpenCV writes on bytes only
    cv2.putText(labelled, "R 12:34 512", (5, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    cv2.putText(labelled, "L", (225, 140), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    assert off_by(find_head(labelled.astype(np.float32) / 255)) <= 5


@pytest.mark.parametrize("value", [1.0, 0.6, 0.15])
def test_a_uniform_frame_is_trimmed(value):
    framed = drawn_head()
    framed[:6], framed[-6:], framed[:, :6], framed[:, -6:] = value, value, value, value
    assert off_by(find_head(framed)) <= 5


def test_a_white_page_around_the_picture_is_trimmed():
    page = np.pad(drawn_head(), 30, constant_values=1.0)
    top, left, bottom, right = find_head(page)
    assert off_by((top - 30, left - 30, bottom - 30, right - 30)) <= 5


def test_a_dark_lesion_does_not_split_the_head():
    hollow = drawn_head()
    cv2.circle(hollow, (110, 140), 40, 0.02, -1)
    assert off_by(find_head(hollow)) <= 5


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_picture_without_a_head_is_kept_whole(value):
    assert find_head(np.full((64, 80), value, np.float32)) == (0, 0, 64, 80)


def test_the_smallest_picture_accepted_is_answered():
    box = find_head(np.random.default_rng(1).random((32, 32)).astype(np.float32))
    assert 0 <= box.top < box.bottom <= 32 and 0 <= box.left < box.right <= 32
