"""Is a map that follows the picture stable, and one that does not unstable?"""

import numpy as np
import pytest

from explain.evaluation.stability import across_seeds, noisy, shift_back, shifted, under_shifts_and_noise

HEAD = np.zeros((64, 64), bool)
HEAD[:60, 6:58] = True  # it touches the upper edge, where a shift pushes some of it out of the picture


def spots() -> np.ndarray:
    """A gray square (64, 64, 3) of black and white pixels, scattered."""
    white = np.random.default_rng(0).random((64, 64, 1)) < 0.5
    return white.repeat(3, axis=-1).astype(np.float32)


def white(square: np.ndarray) -> np.ndarray:
    """A map that follows every shift and no small noise: where the square is white."""
    return (square[..., 0] > 0.5).astype(np.float32)


def same(square: np.ndarray) -> bool:
    return True


def test_a_picture_moves_down_and_right_and_leaves_the_fill():
    picture = np.array([[1, 2, 3], [4, 5, 6]])
    assert shifted(picture, 1, 1, 0).tolist() == [[0, 0, 0], [0, 1, 2]]
    assert shifted(picture, -1, 0, 9).tolist() == [[4, 5, 6], [9, 9, 9]]
    assert shifted(picture, 0, -2, 0).tolist() == [[3, 0, 0], [6, 0, 0]]
    assert shifted(picture, 0, 0, 0).tolist() == picture.tolist()
    assert shifted(picture, 5, 0, 7).tolist() == [[7, 7, 7], [7, 7, 7]]


def test_all_channels_move_together():
    square = spots()
    moved = shifted(square, 2, -3, 0)
    np.testing.assert_array_equal(moved[2:, :-3], square[:-2, 3:])


@pytest.mark.parametrize(("rows", "columns"), [(1, 0), (-2, 1), (0, 0)])
def test_shifting_back_undoes_a_shift_of_what_stayed_in_the_picture(rows, columns):
    heat = np.zeros((8, 8), np.float32)
    heat[3:5, 2:6] = np.arange(8).reshape(2, 4)
    np.testing.assert_array_equal(shift_back(shifted(heat, rows, columns, 0), rows, columns), heat)


def test_noise_has_the_given_sigma_and_is_alike_in_all_channels():
    square = np.full((100, 100, 3), 0.5, np.float32)
    noise = noisy(square, 0.2, np.random.default_rng(0)) - square
    assert noise.dtype == np.float32 and noise.std() == pytest.approx(0.2, rel=0.02)
    assert np.array_equal(noise[..., 0], noise[..., 2])


def test_a_map_that_follows_every_shift_is_perfectly_stable():
    assert under_shifts_and_noise(white, same, spots(), HEAD) == pytest.approx(1)


def test_so_is_one_on_a_coarser_grid_that_follows_the_shifts():
    """Shifts are of one pixel, 2 % of 64, so only a map drawn over the square can follow them by half cells."""

    def smooth(square):
        down, right = np.nonzero(square[..., 0] > 0.5)
        rows, columns = (2 * np.mgrid[:32, :32] + 0.5).astype(np.float32)
        return np.exp(-((rows - down.mean()) ** 2 + (columns - right.mean()) ** 2) / 400)

    square = np.zeros((64, 64, 3), np.float32)
    square[20:30, 24:40] = 1
    assert under_shifts_and_noise(smooth, same, square, HEAD) > 0.999


def test_a_map_that_stays_while_the_picture_moves_agrees_under_noise_alone():
    fixed = np.random.default_rng(1).random((64, 64), np.float32)
    agreement = under_shifts_and_noise(lambda square: fixed, same, spots(), HEAD)
    assert agreement == pytest.approx((4 * 0 + 1) / 5, abs=0.03)


def test_changes_of_the_prediction_do_not_count():
    square = spots()
    fixed = np.random.default_rng(1).random((64, 64), np.float32)

    def only_under_noise(changed):
        return bool(np.abs(changed - square).max() < 0.5)

    assert under_shifts_and_noise(lambda square: fixed, only_under_noise, square, HEAD) == pytest.approx(1)


def test_if_every_change_alters_the_prediction_there_is_no_value_and_no_map_is_made():
    def never(square):
        raise AssertionError("a map was made")

    assert under_shifts_and_noise(never, lambda changed: False, spots(), HEAD) is None


def test_six_maps_are_made_and_the_same_for_one_seed():
    given = [[], [], []]
    for squares, seed in zip(given, (0, 0, 1), strict=True):
        under_shifts_and_noise(
            lambda square, kept=squares: kept.append(square) or white(square), same, spots(), HEAD, seed
        )
    assert [len(squares) for squares in given] == [6, 6, 6]
    assert all(np.array_equal(*pair) for pair in zip(given[0], given[1], strict=True))
    assert not np.array_equal(given[0][-1], given[2][-1])


def test_agreement_across_seeds_is_the_mean_over_pairs():
    first = np.random.default_rng(0).random((64, 64), np.float32)
    assert across_seeds([first, first], HEAD) == pytest.approx(1)
    assert across_seeds([first, first**2, -first], HEAD) == pytest.approx((1 - 1 - 1) / 3)


def test_one_seed_has_none_to_agree_with():
    with pytest.raises(ValueError, match="two maps or more"):
        across_seeds([np.ones((4, 4))], HEAD)
