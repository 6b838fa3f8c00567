"""A removed lesion is gone, however tight the box; what is left of one is measured; and each has a control."""

import numpy as np
import pytest

from explain.counterfactual.boxes import grown, mirrored, overlap
from explain.counterfactual.control import ELSEWHERE, MIRRORED, control_region
from explain.counterfactual.edits import outline
from explain.counterfactual.erasure import ENOUGH, MOST_LEFT, contrast_left, erase
from scans import Box, find_head, phantom
from tests.explain.analytic import head, with_spot

SPOT = Box(40, 24, 52, 36)  # 1 on a head of 0.5, left of its middle
MIDLINE = Box(40, 42, 52, 54)


def erased(pixels, box, **more):
    return erase(pixels, box, outline(pixels), **more)


def gone(result) -> bool:
    return result.contrast_left is None or result.contrast_left <= MOST_LEFT


def lesions(count: int = 12):
    """Phantoms with a tumour, and the tight box around it."""
    for seed in range(count):
        made = phantom(("glioma", "meningioma", "pituitary")[seed % 3], 910_000 + seed)
        rows, columns = (np.flatnonzero(made.mask.any(axis=axis)) for axis in (1, 0))
        yield made.scan.windowed(), Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


@pytest.mark.parametrize("box", [SPOT, MIDLINE])
def test_a_spot_on_one_grey_is_gone(box):
    scan = with_spot(head(96), *box.slices)
    result = erased(scan.pixels, box)
    assert result.contrast_left == pytest.approx(0, abs=0.01) and gone(result)
    np.testing.assert_allclose(result.picture[box.slices], 0.5, atol=0.01)


@pytest.mark.parametrize("tight", [0, 1, 2])
def test_a_lesion_is_gone_although_the_box_is_tight(tight):
    """A box that leaves out the lesion's rim once had its hole filled from that rim."""
    scan = with_spot(head(96), *SPOT.slices)
    inner = grown(SPOT, -tight)
    result = erased(scan.pixels, inner)
    assert gone(result) and result.picture[inner.slices].max() < 0.7


def test_of_a_phantom_s_lesion_little_is_left():
    """Against what the box of its lesion alone, inpainted from the rim, would leave."""
    left = [erased(picture, box).contrast_left for picture, box in lesions()]
    seen = [share for share in left if share is not None]
    assert len(seen) >= 9 and np.mean(np.array(seen) <= ENOUGH) >= 0.9 and max(seen) <= MOST_LEFT


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("grey", [1.0, 0.1])  # brighter and darker than the head
def test_contrast_left_is_the_share_that_was_left(share, grey):
    plain = head(96).pixels
    spotted, changed = plain.copy(), plain.copy()
    spotted[SPOT.slices] = grey
    changed[SPOT.slices] = 0.5 + share * (grey - 0.5)
    left = contrast_left(spotted, changed, SPOT, grown(SPOT, 4), outline(plain))
    assert left == pytest.approx(share, abs=0.04)


def test_half_of_a_lesion_left_is_contrast_left():
    """The brightest half counts whole: a mean would halve it."""
    spotted = with_spot(head(96), *SPOT.slices).pixels
    changed = spotted.copy()
    changed[40:46, 24:36] = 0.5
    assert contrast_left(spotted, changed, SPOT, grown(SPOT, 4), outline(spotted)) > MOST_LEFT


def test_what_does_not_stand_out_has_no_contrast_to_leave():
    noisy = head(96).pixels + np.random.default_rng(0).normal(0, 0.05, (96, 96)).astype(np.float32)
    assert contrast_left(noisy, noisy, SPOT, grown(SPOT, 4), outline(head(96).pixels)) is None
    plain = head(96).pixels
    assert erased(plain, SPOT).contrast_left is None


def test_a_small_part_of_a_large_lesion_has_its_hole_grown():
    """Inside the lesion all around is lesion: the region stands out once the hole reaches beyond it."""
    scan = with_spot(head(96), slice(34, 62), slice(30, 66))
    inner = Box(40, 38, 56, 58)
    result = erased(scan.pixels, inner)
    assert result.margin > 3 and gone(result)


def test_nothing_changes_beyond_the_hole_and_the_edge_fades():
    scan = with_spot(head(96), *SPOT.slices)
    result = erased(scan.pixels, SPOT)
    outside = np.ones(scan.shape, bool)
    outside[result.hole.slices] = False
    np.testing.assert_array_equal(result.picture[outside], scan.pixels[outside])
    assert result.hole == grown(SPOT, result.margin)


def test_the_filling_has_the_texture_of_the_tissue_around():
    rng = np.random.default_rng(0)
    plain = head(96).pixels
    textured = np.where(plain > 0, plain + rng.normal(0, 0.03, plain.shape), 0).astype(np.float32)
    spotted = textured.copy()
    spotted[SPOT.slices] = 1
    filled = erased(spotted, SPOT).picture[SPOT.slices]
    assert 0.02 < filled.std() < 0.05 and filled.mean() == pytest.approx(0.5, abs=0.03)


def test_nothing_is_taken_from_a_region_to_avoid():
    """The mirrored place holds the lesion: a control must not be filled with it."""
    scan = with_spot(head(96), *SPOT.slices)
    other = mirrored(SPOT, find_head(scan.pixels))
    assert erased(scan.pixels, other, avoid=[SPOT]).picture[other.slices].max() < 0.6


def test_a_region_without_a_like_is_filled_with_a_shade_of_its_surrounding():
    """It is most of the head: no place of that size is left."""
    most = Box(28, 20, 68, 76)
    scan = with_spot(head(96), *most.slices)
    result = erased(scan.pixels, most)
    np.testing.assert_allclose(result.picture[40:56, 40:56], 0.5, atol=0.02)
    assert gone(result)


@pytest.mark.parametrize("box", [Box(0, 0, 20, 20), Box(76, 70, 96, 96), Box(0, 30, 96, 50), Box(0, 0, 96, 96)])
def test_a_region_at_the_edge_of_the_scan_is_removed_too(box):
    filled = erased(with_spot(head(96), *SPOT.slices).pixels, box).picture
    assert np.isfinite(filled).all() and filled.min() >= 0 and filled.max() <= 1


def test_the_same_region_is_removed_alike_twice():
    (picture, box), *_ = lesions(1)
    np.testing.assert_array_equal(erased(picture, box).picture, erased(picture, box).picture)


# --- the control


def test_the_control_is_the_mirrored_region_where_it_is_head_and_apart():
    plain = head(96).pixels
    whole = find_head(plain)
    assert control_region(SPOT, outline(plain), whole, margin=4) == (MIRRORED, mirrored(SPOT, whole), (0, 0))


@pytest.mark.parametrize("margin", [0, 4, 8])
def test_a_region_on_the_midline_has_a_control_as_far_from_the_centre(margin):
    plain = head(96).pixels
    box = Box(20, 42, 32, 54)  # above the centre: there is a ring of places as far away
    whole, inside = find_head(plain), outline(plain)
    place, control, _ = control_region(box, inside, whole, margin=margin)
    assert place == ELSEWHERE and not overlap(control, grown(box, margin)) and inside[control.slices].all()
    assert (control.height, control.width) == (box.height, box.width)
    middle = np.array([whole.top + whole.bottom, whole.left + whole.right]) / 2
    own, other = (np.hypot(*(np.array([b.top + b.bottom, b.left + b.right]) / 2 - middle)) for b in (box, control))
    assert abs(own - other) < 1


def test_a_region_at_the_very_centre_has_the_nearest_place_beside_it():
    plain = head(96).pixels
    _, control, _ = control_region(MIDLINE, outline(plain), find_head(plain), margin=4)
    gaps = (
        max(control.top - MIDLINE.bottom, MIDLINE.top - control.bottom),
        max(control.left - MIDLINE.right, MIDLINE.left - control.right),
    )
    assert max(gaps) == 4


def test_a_region_with_nothing_of_the_head_around_it_counts_as_left():
    plain = head(96).pixels
    everything = Box(0, 0, 96, 96)
    assert contrast_left(plain, plain, everything, everything, outline(plain)) == 1


def test_a_region_that_fills_the_head_has_no_control():
    plain = head(96).pixels
    assert control_region(Box(28, 20, 68, 76), outline(plain), find_head(plain)) is None
