"""Is a removed pixel what its neighbours imply, and does ROAD tell a true map from a random one?"""

import numpy as np
import pytest

from explain.evaluation.controls import CONTROLS
from explain.evaluation.road import impute, road

KERNEL = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12


def without_noise(square: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """`impute` less the noise that the same generator draws: a hundredth of the square's range."""
    noise = np.random.default_rng(7).normal(0, 0.01 * np.ptp(square), square.shape[:2])
    return impute(square, removed, np.random.default_rng(7)) - np.where(removed, noise, 0)[..., None]


def hole(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    removed = np.zeros(shape, bool)
    removed[rows, columns] = True
    return removed


@pytest.mark.parametrize("channels", [1, 3])
def test_a_linear_ramp_is_restored_up_to_the_noise(channels):
    down, right = np.mgrid[:20, :24].astype(np.float32)
    ramp = np.repeat((0.02 * down + 0.01 * right)[..., None], channels, axis=-1)
    removed = hole((20, 24), slice(3, 17), slice(2, 20))
    np.testing.assert_allclose(without_noise(ramp, removed), ramp, atol=1e-6)
    made_up = impute(ramp, removed, np.random.default_rng(0))
    assert np.array_equal(made_up[~removed], ramp[~removed]) and made_up.dtype == np.float32
    assert np.std((made_up - ramp)[removed]) == pytest.approx(0.01 * np.ptp(ramp), rel=0.1)


def test_channels_that_are_copies_stay_copies():
    square = np.repeat(np.random.default_rng(0).random((12, 12, 1), np.float32), 3, axis=-1)
    made_up = impute(square, hole((12, 12), slice(2, 9), slice(2, 9)), np.random.default_rng(0))
    np.testing.assert_allclose(made_up, made_up[..., :1].repeat(3, axis=-1), atol=1e-6)


@pytest.mark.parametrize("grid", [(40, 40), (20, 20), (17, 17)])
def test_a_constant_stays_whatever_is_removed(grid):
    square = np.full((40, 40, 3), 0.6, np.float32)
    removed = np.random.default_rng(0).random(grid) < 0.9
    np.testing.assert_allclose(impute(square, removed, np.random.default_rng(0)), square, atol=1e-6)


def test_a_lone_pixel_is_a_sixth_of_its_direct_and_a_twelfth_of_its_diagonal_neighbours():
    square = np.random.default_rng(1).random((3, 3, 1), np.float32)
    value = without_noise(square, hole((3, 3), slice(1, 2), slice(1, 2)))[1, 1, 0]
    assert value == pytest.approx((KERNEL * square[..., 0]).sum(), abs=1e-6)


def test_in_a_corner_the_weights_of_the_three_neighbours_sum_to_one():
    square = np.random.default_rng(1).random((3, 3, 1), np.float32)
    value = without_noise(square, hole((3, 3), slice(0, 1), slice(0, 1)))[0, 0, 0]
    assert value == pytest.approx((2 * square[0, 1, 0] + 2 * square[1, 0, 0] + square[1, 1, 0]) / 5, abs=1e-6)


def test_every_pixel_of_a_ragged_hole_is_the_weighted_mean_of_its_neighbours():
    rng = np.random.default_rng(2)
    square = rng.random((15, 11, 1), np.float32)
    removed = rng.random((15, 11)) < 0.7
    filled = without_noise(square, removed)[..., 0]
    padded, there = np.pad(filled, 1), np.pad(np.ones_like(filled), 1)
    for row, column in np.argwhere(removed):
        around = slice(row, row + 3), slice(column, column + 3)
        mean = (KERNEL * padded[around]).sum() / (KERNEL * there[around]).sum()
        assert filled[row, column] == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize("side", [160, 224])
def test_on_a_coarser_grid_nothing_of_the_removed_shines_through(side):
    """80 cells divide 160 pixels evenly and 224 not."""
    removed = hole((80, 80), slice(20, 50), slice(30, 60))
    gone = impute(np.zeros((side, side, 1), np.float32), removed, np.random.default_rng(0))
    assert not gone.any()
    middle = (np.arange(side) + 0.5) * 80 / side
    rows, columns = (middle >= 20) & (middle < 50), (middle >= 30) & (middle < 60)
    square = np.full((side, side, 1), 0.3, np.float32)
    square[np.ix_(rows, columns)] = 1
    made_up = impute(square, removed, np.random.default_rng(0))
    assert np.abs(made_up - 0.3).max() < 6 * 0.01 * 0.7
    assert np.array_equal(made_up != square, np.broadcast_to((rows[:, None] & columns)[..., None], square.shape))


def bright_square() -> tuple[np.ndarray, np.ndarray]:
    """A gray square (40, 40, 3) of 0.2 with a region of 0.9, which is 6 % of it, and that region."""
    region = hole((40, 40), slice(8, 18), slice(22, 32))
    return np.where(region[..., None], np.float32(0.9), np.float32(0.2)).repeat(3, axis=-1), region


def test_the_true_map_of_a_model_that_looks_at_one_region():
    """Its tenth of the pixels hold the region, so MoRF always removes it and LeRF never does."""
    square, region = bright_square()

    def inside(batch):
        return batch[:, region].mean(axis=(1, 2))

    true = road(inside, square, region.astype(np.float32))
    assert true == pytest.approx({"road morf": 0.2, "road lerf": 0.9, "road": 0.35}, abs=0.005)
    unit, head = square[..., 0], np.ones((40, 40), bool)
    guesses = [road(inside, square, CONTROLS["random"](unit, head, seed)) for seed in range(20)]
    assert max(guess["road"] for guess in guesses) < true["road"]
    assert np.mean([guess["road"] for guess in guesses]) == pytest.approx(0, abs=0.05)


def test_the_opposite_map_has_the_opposite_worth():
    square, region = bright_square()

    def inside(batch):
        return batch[:, region].mean(axis=(1, 2))

    wrong = road(inside, square, -region.astype(np.float32))
    assert wrong == pytest.approx({"road morf": 0.9, "road lerf": 0.2, "road": -0.35}, abs=0.005)


def test_one_call_holds_all_squares_and_the_seed_alone_decides_them():
    square, region = bright_square()
    batches = []

    def first_pixel(batch):
        batches.append(batch.copy())
        return batch[:, 0, 0, 0]

    for seed in (0, 0, 1):
        road(first_pixel, square, region.astype(np.float32), percentiles=(20, 80), seed=seed)
    assert [len(batch) for batch in batches] == [4, 4, 4]
    changed = (batches[0] != square).any(axis=-1).mean(axis=(1, 2))
    np.testing.assert_allclose(changed, [0.2, 0.8, 0.2, 0.8], atol=0.001)
    assert np.array_equal(batches[0], batches[1]) and not np.array_equal(batches[0], batches[2])


def test_what_cannot_be_made_up_is_refused():
    square, region = bright_square()
    with pytest.raises(ValueError, match="keep one"):
        impute(square, np.ones((40, 40), bool), np.random.default_rng(0))
    with pytest.raises(ValueError, match="between 0 and 100"):
        road(lambda batch: batch[:, 0, 0, 0], square, region.astype(np.float32), percentiles=(50, 100))
    with pytest.raises(ValueError, match="not finite"):
        road(lambda batch: batch[:, 0, 0, 0], square, np.full((40, 40), np.inf))
