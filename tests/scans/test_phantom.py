"""Phantoms are heads with the lesion that they claim. All distances are in mm of a 230 mm field of view."""

import cv2
import numpy as np
import pytest

from scans.head import find_head
from scans.phantom import KINDS, SAMPLES, Phantom, phantom

SEEDS = range(12)
LESIONS = [kind for kind in KINDS if kind != "notumor"]


@pytest.fixture(scope="module")
def phantoms() -> dict[str, list[Phantom]]:
    return {kind: [phantom(kind, seed) for seed in SEEDS] for kind in KINDS}


def head_of(p: Phantom) -> np.ndarray:
    """The filled outline of everything brighter than air: the scalp closes around the head."""
    bright = (cv2.GaussianBlur(p.scan.pixels, (3, 3), 0) > 0.22).astype(np.uint8)
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    head = cv2.drawContours(np.zeros_like(bright), [max(contours, key=cv2.contourArea)], 0, 1, cv2.FILLED)
    return head.astype(bool)


def depth_under_skin(p: Phantom) -> np.ndarray:
    return cv2.distanceTransform(head_of(p).astype(np.uint8), cv2.DIST_L2, 5) * p.scan.spacing[0]


def depth_in_lesion(p: Phantom) -> np.ndarray:
    return cv2.distanceTransform(p.mask.astype(np.uint8), cv2.DIST_L2, 5) * p.scan.spacing[0]


def ring_around(p: Phantom, start: float, end: float) -> np.ndarray:
    away = cv2.distanceTransform((~p.mask).astype(np.uint8), cv2.DIST_L2, 5) * p.scan.spacing[0]
    return (away > start) & (away <= end)


def test_a_phantom_is_a_scan_that_a_png_would_hold_exactly(phantoms):
    for p in (group[0] for group in phantoms.values()):
        steps = p.scan.pixels * np.float32(255)
        assert p.scan.shape == p.mask.shape == (256, 256)
        assert np.array_equal(np.round(steps).astype(np.float32) / np.float32(255), p.scan.pixels)
        assert (steps.min(), steps.max()) == (0, 255)
        assert (p.scan.modality, p.scan.plane, p.scan.span, p.scan.window) == ("MR", "axial", (0, 255), (0, 1))
        assert p.scan.spacing == pytest.approx((230 / 256, 230 / 256))
        assert p.mask.dtype == bool


def test_the_box_of_the_head_is_found_within_three_percent(phantoms):
    for group in phantoms.values():
        for p in group:
            rows, columns = np.nonzero(head_of(p))
            true = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
            assert np.abs(np.subtract(find_head(p.scan.pixels), true)).max() <= 0.03 * 256, (p.kind, p.seed)


def test_the_whole_head_is_in_the_picture(phantoms):
    for group in phantoms.values():
        for p in group:
            head = head_of(p)
            assert 0.2 < head.mean() < 0.6
            assert not (head[0].any() or head[-1].any() or head[:, 0].any() or head[:, -1].any())


@pytest.mark.parametrize("kind", LESIONS)
def test_a_lesion_is_one_part_of_plausible_size_inside_the_head(phantoms, kind):
    for p in phantoms[kind]:
        parts, _ = cv2.connectedComponents(p.mask.astype(np.uint8))
        area = p.mask.sum() * p.scan.spacing[0] ** 2
        assert parts == 2  # the background is the other
        assert 80 < area < 2000, (p.seed, area)
        assert head_of(p)[p.mask].all()


def test_a_head_without_tumour_has_an_empty_mask(phantoms):
    assert not any(p.mask.any() for p in phantoms["notumor"])


def test_a_meningioma_lies_on_the_bone_and_a_glioma_well_inside_the_brain(phantoms):
    for p in phantoms["meningioma"]:
        assert _gap_to_bone(p) < 4.5, p.seed
    for p in phantoms["glioma"]:
        assert depth_under_skin(p)[p.mask].min() > 12, p.seed


def _gap_to_bone(p: Phantom) -> float:
    """From the lesion to the first bone under the skin, from where the lesion comes nearest to the skin."""
    depth = np.where(p.mask, depth_under_skin(p), np.inf)
    bone = head_of(p) & (p.scan.pixels < 0.25) & (depth_under_skin(p) > 2) & (depth_under_skin(p) < depth.min())
    away = cv2.distanceTransform((~bone).astype(np.uint8), cv2.DIST_L2, 5) * p.scan.spacing[0]
    return float(away[np.unravel_index(np.argmin(depth), depth.shape)])


def test_a_pituitary_tumour_lies_near_the_midline_in_the_front_half(phantoms):
    for p in phantoms["pituitary"]:
        rows, columns = np.nonzero(p.mask)
        box = find_head(p.scan.pixels)
        assert abs(columns.mean() - (box.left + box.right) / 2) < 0.08 * box.width, p.seed
        assert 0.25 < (rows.mean() - box.top) / box.height < 0.55, p.seed


def test_the_rim_of_a_glioma_is_brighter_than_its_core_and_than_the_brain_around(phantoms):
    for p in phantoms["glioma"]:
        depth, pixels = depth_in_lesion(p), p.scan.pixels
        rim = pixels[(depth > 0.9) & (depth < 2.6)].mean()
        core = pixels[depth > 0.75 * depth.max()].mean()
        brain = np.median(pixels[ring_around(p, 2, 8)])
        assert rim > core + 0.15, p.seed
        assert rim > brain + 0.1, p.seed
        assert core < brain, p.seed


@pytest.mark.parametrize("kind", ["meningioma", "pituitary"])
def test_a_solid_lesion_is_brighter_than_the_tissue_around_it(phantoms, kind):
    for p in phantoms[kind]:
        inside = p.scan.pixels[p.mask]
        brain = np.median(p.scan.pixels[ring_around(p, 2, 12) & (depth_under_skin(p) > 16)])
        assert inside.mean() > brain + 0.1, p.seed
        assert inside.std() < 0.12, p.seed


def test_the_same_seed_gives_the_same_pixels_and_another_seed_another_head():
    first, again, other = phantom("glioma", 3), phantom("glioma", 3), phantom("glioma", 4)
    assert first.scan.pixels.tobytes() == again.scan.pixels.tobytes()
    assert first.scan.digest == again.scan.digest != other.scan.digest
    assert np.array_equal(first.mask, again.mask)
    assert np.abs(first.scan.pixels - other.scan.pixels).mean() > 0.03


def test_kinds_of_one_seed_are_different_heads():
    assert len({head_of(phantom(kind, 5)).tobytes() for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("size", [64, 128, 384, 512])
@pytest.mark.parametrize("kind", LESIONS)
def test_every_size_shows_the_same_anatomy(kind, size):
    p, reference = phantom(kind, 1, size), phantom(kind, 1, 256)
    small = min(size, 256)
    shapes = [_to_side(q.mask.astype(np.float32), small) > 0.5 for q in (p, reference)]
    pictures = [_to_side(cv2.GaussianBlur(q.scan.pixels, (0, 0), len(q.mask) / 128), 64) for q in (p, reference)]
    assert p.scan.shape == (size, size)
    assert (shapes[0] & shapes[1]).sum() / (shapes[0] | shapes[1]).sum() > 0.85
    assert np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1] > 0.98


def _to_side(image: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def test_heads_without_tumour_appear_at_the_skull_base_too():
    """Orbits make the brow of the lower levels broad: the level must not give the kind away."""
    brows = []
    for seed in range(16):
        head = head_of(phantom("notumor", seed, 128))
        rows = np.flatnonzero(head.any(axis=1))
        brow = head[rows[0] + len(rows) // 12]
        brows.append(brow.sum() / head.sum(axis=1).max())
    assert min(brows) < 0.55 and max(brows) > 0.6


def test_the_samples_show_every_kind():
    assert {kind for kind, _ in SAMPLES} == set(KINDS)
    assert len(set(SAMPLES)) == len(SAMPLES) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tumour",), r"'tumour'.*glioma, meningioma, notumor, pituitary"),
        (("glioma", -1), r"-1.*0 up"),
        (("glioma", 0, 32), r"32 pixels.*64 to 512"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_can(arguments, message):
    with pytest.raises(ValueError, match=message):
        phantom(*arguments)
