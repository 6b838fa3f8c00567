"""Balanced masks show every region, and every two, equally often; effects of pairs do not reach those of one."""

import itertools

import numpy as np
import pytest

from explain.methods.balanced_masks import balanced_masks


@pytest.mark.parametrize(("regions", "masks"), [(1, 2), (2, 4), (3, 8), (41, 128), (63, 128), (64, 128), (65, 256)])
def test_each_region_is_shown_in_half_of_the_masks_and_each_two_in_a_quarter(regions, masks):
    shown = balanced_masks(regions, 3)
    assert shown.shape == (masks, regions) and set(np.unique(shown)) == {0, 1}
    assert (shown.sum(axis=0) == masks / 2).all()
    for first, second in itertools.combinations(range(min(regions, 12)), 2):
        assert (shown[:, first] & shown[:, second]).sum() == masks / 4


def test_every_mask_stands_beside_its_complement():
    shown = balanced_masks(20, 0)
    np.testing.assert_array_equal(shown[::2], 1 - shown[1::2])


def test_the_effect_of_a_region_is_exact_whatever_pairs_do():
    """Any sum of effects of single regions and of pairs: the difference of two means is the region's own effect."""
    rng = np.random.default_rng(5)
    shown = balanced_masks(12, rng)
    signs = 2.0 * shown - 1
    single, pairs = rng.normal(size=12), rng.normal(size=(12, 12))
    scores = signs @ single + np.einsum("ni,ij,nj->n", signs, pairs, signs)
    found = [scores[shown[:, k] == 1].mean() - scores[shown[:, k] == 0].mean() for k in range(12)]
    np.testing.assert_allclose(found, 2 * single, atol=1e-9)


def test_the_seed_decides_and_one_generator_gives_another_set_each_time():
    np.testing.assert_array_equal(balanced_masks(41, 7), balanced_masks(41, 7))
    rng = np.random.default_rng(7)
    assert (balanced_masks(41, rng) != balanced_masks(41, rng)).any()
