"""Is the interval of a mean or median that of the bootstrap written out at length?"""

import numpy as np
import pytest

from explain.evaluation.estimates import STATISTICS, estimate
from model_zoo import Estimate
from model_zoo import metrics as measures


@pytest.mark.parametrize("name", sorted(STATISTICS))
def test_the_interval_is_that_of_resamples_written_out(name):
    rng = np.random.default_rng(0)
    values, group = rng.normal(2, 1, 60), rng.integers(0, 15, 60)
    statistic = {"mean": np.mean, "median": np.median}[name]
    resampled = [statistic(np.repeat(values, times[group].astype(int))) for times in measures.draws(15)]
    expected = measures.interval(statistic(values), np.array(resampled))
    found = estimate(values, [f"patient {g:02}" for g in group], name)
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=1e-4)
    assert found.low < found.value < found.high and found.scans == 60


def test_figures_that_are_not_defined_are_left_out_and_the_rest_is_counted():
    values = np.array([1.0, np.nan, 3.0, np.nan, 5.0])
    found = estimate(values, ["a", "b", "c", "d", "e"])
    assert (found.value, found.scans) == (3, 3)
    assert found == estimate(np.array([1.0, 3.0, 5.0]), ["a", "c", "e"])


def test_nothing_known_gives_no_estimate():
    assert estimate(np.array([np.nan, np.nan]), ["a", "b"]) is None
    assert estimate(np.array([]), []) is None


@pytest.mark.parametrize("name", sorted(STATISTICS))
def test_one_value_for_all_is_known_exactly(name):
    assert estimate(np.full(4, 0.25), ["a", "b", "c", "d"], name) == Estimate(0.25, 0.25, 0.25, 4)


def test_a_near_duplicate_adds_no_certainty():
    values, groups = np.random.default_rng(0).random(30), [str(g) for g in range(30)]
    once, twice = estimate(values, groups), estimate(np.repeat(values, 2), np.repeat(groups, 2))
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high), abs=1e-4)
    apart = estimate(np.repeat(values, 2), [str(g) for g in range(60)])
    assert apart.high - apart.low < once.high - once.low


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(ValueError, match="use one of: mean, median"):
        estimate(np.ones(2), ["a", "b"], "mode")
    with pytest.raises(ValueError, match="as many groups"):
        estimate(np.ones(2), ["a"])
