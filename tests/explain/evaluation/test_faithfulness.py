"""Are the curves of deletion and insertion those of models whose curves are known beforehand?"""

import numpy as np
import pytest

from explain.evaluation.faithfulness import (
    auc,
    blurred,
    curve_inputs,
    deletion_and_insertion,
    local_mean,
    ranking,
)


def brightness(batch: np.ndarray) -> np.ndarray:
    """A model that is linear: the sum of the first channel."""
    return batch[..., 0].sum(axis=(1, 2))


def quarters(channels: int = 3) -> np.ndarray:
    """A square (4, 4, c) of four pixels of 1/4, all in the third row, among zeros."""
    square = np.zeros((4, 4, channels), np.float32)
    square[2] = 0.25
    return square


def test_the_area_under_a_straight_line_is_a_half():
    assert auc(np.linspace(0, 1, 7)) == pytest.approx(0.5)
    assert auc(np.linspace(1, 0, 2)) == pytest.approx(0.5)


def test_the_area_under_a_step_counts_its_fall_as_half_a_step():
    assert auc(np.array([1, 1, 0, 0, 0])) == pytest.approx(1.5 / 4)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_curves_of_a_linear_model_under_the_right_map(channels):
    """Deletion scores 1, 3/4, 1/2, 1/4, then nothing; insertion 0, 1/4, 1/2, 3/4, then all."""
    square = quarters(channels)
    areas = deletion_and_insertion(brightness, square, square[..., 0], {"black": np.zeros_like(square)}, steps=16)
    assert areas == pytest.approx({"deletion black": 2 / 16, "insertion black": 14 / 16})


def test_the_curves_of_a_linear_model_under_the_wrong_map():
    square = quarters()
    areas = deletion_and_insertion(brightness, square, -square[..., 0], {"black": np.zeros_like(square)}, steps=16)
    assert areas == pytest.approx({"deletion black": 14 / 16, "insertion black": 2 / 16})


def test_a_flat_picture_gives_straight_lines_whatever_the_map():
    square = np.full((8, 8, 3), 1 / 64, np.float32)
    heat = np.random.default_rng(0).random((8, 8))
    areas = deletion_and_insertion(brightness, square, heat, {"black": np.zeros_like(square)})
    assert areas == pytest.approx({"deletion black": 0.5, "insertion black": 0.5}, abs=0.005)


def test_the_curve_s_steps_are_those_that_were_counted():
    """Pixels of 4, 3, 2 and 1: two steps delete 0, then 7, then all of them."""
    square = np.array([[4, 3], [2, 1]], np.float32)[..., None]
    areas = deletion_and_insertion(brightness, square, square[..., 0], {"black": np.zeros_like(square)}, steps=2)
    assert areas == pytest.approx({"deletion black": (10 / 2 + 3) / 2, "insertion black": (7 + 10 / 2) / 2})


def test_every_baseline_costs_one_call_and_shares_its_ends():
    calls = []

    def counted(batch):
        calls.append(len(batch))
        return brightness(batch)

    square = quarters()
    baselines = {"blur": blurred(square), "mean": local_mean(square, np.ones((4, 4), bool))}
    areas = deletion_and_insertion(counted, square, square[..., 0], baselines, steps=5)
    assert calls == [10, 10]
    assert sorted(areas) == ["deletion blur", "deletion mean", "insertion blur", "insertion mean"]


def test_a_map_on_a_coarser_grid_is_drawn_over_the_square():
    square = np.zeros((8, 8, 1), np.float32)
    square[:4, :4] = 1 / 16
    heat = np.array([[1, 0], [0, 0]], np.float32)
    areas = deletion_and_insertion(brightness, square, heat, {"black": np.zeros_like(square)}, steps=4)
    assert areas["deletion black"] == pytest.approx((1 / 2 + 0 + 0 + 0) / 4)


def test_the_way_there_and_back_goes_through_the_pixels_in_order():
    square, baseline = np.ones((2, 3, 1), np.float32), np.zeros((2, 3, 1), np.float32)
    order = np.array([4, 0, 1, 5, 3, 2])
    batch = curve_inputs(square, order, baseline, 3)[..., 0]
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(
        batch,
        [
            [[1, 1, 1], [1, 1, 1]],
            [[0, 1, 1], [1, 0, 1]],
            [[0, 0, 1], [1, 0, 0]],
            [[0, 0, 0], [0, 0, 0]],
            [[1, 0, 0], [0, 1, 0]],
            [[1, 1, 0], [0, 1, 1]],
        ],
    )


def test_pixels_are_ranked_from_the_highest():
    assert ranking(np.array([[0.1, 0.9], [-3.0, 0.5]])).tolist() == [1, 3, 0, 2]


def test_ties_are_scattered_over_the_picture_and_always_alike():
    """In raster order, the first half of the ranking would be the upper half of the picture."""
    heat = np.zeros((40, 40), np.float32)
    heat[20, 20] = 1
    order = ranking(heat)
    assert order[0] == 20 * 40 + 20 and sorted(order) == list(range(1600))
    upper = (order[:800] < 800).mean()
    left = (order[:800] % 40 < 20).mean()
    assert 0.45 < upper < 0.55 and 0.45 < left < 0.55
    np.testing.assert_array_equal(order, ranking(heat))


def test_a_blur_is_a_gaussian_of_a_sixteenth_of_the_side():
    square = np.zeros((64, 64, 1), np.float32)
    square[32, 32] = 1
    out = blurred(square)
    assert out.shape == square.shape and out.dtype == np.float32
    assert out[36, 32, 0] / out[32, 32, 0] == pytest.approx(np.exp(-0.5), rel=1e-3)
    assert out.sum() == pytest.approx(1, rel=1e-3)


def test_the_local_mean_takes_nothing_from_outside_the_head_and_changes_nothing_there():
    head = np.zeros((32, 32), bool)
    head[8:24, 4:20] = True
    square = np.where(head[..., None], np.float32(0.7), np.random.default_rng(0).random((32, 32, 3), np.float32))
    out = local_mean(square, head)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, square, atol=1e-6)


def test_the_local_mean_is_that_of_a_box_of_a_quarter_of_the_side():
    ramp = np.repeat(np.arange(16, dtype=np.float32)[None], 16, axis=0)[..., None]  # by columns: 0 to 15
    out = local_mean(ramp, np.ones((16, 16), bool))[8, :, 0]
    np.testing.assert_allclose(out[2:14], np.arange(2, 14), atol=1e-5)  # five columns, evenly about each
    assert out[0] == pytest.approx((0 + 1 + 2) / 3)


def test_what_gives_no_curve_is_refused():
    square, black = quarters(), {"black": np.zeros((4, 4, 3), np.float32)}
    heat = square[..., 0]
    with pytest.raises(ValueError, match="use 1 or more"):
        deletion_and_insertion(brightness, square, heat, black, steps=0)
    with pytest.raises(ValueError, match="make them one"):
        deletion_and_insertion(brightness, square, heat, {"black": np.zeros((4, 4, 1))})
    with pytest.raises(ValueError, match="not finite"):
        deletion_and_insertion(brightness, square, np.full((4, 4), np.nan), black)
    with pytest.raises(ValueError, match="probability of one class"):
        deletion_and_insertion(lambda batch: batch[:, 0, 0], square, heat, black)
    with pytest.raises(ValueError, match="2 or more"):
        auc(np.ones(1))
    with pytest.raises(ValueError, match="in the head"):
        local_mean(square, np.zeros((4, 4), bool))
