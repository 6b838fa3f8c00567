"""Refinement ends when a map is stable, complete or out of time, and says which; a cancel ends it at once."""

from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from explain import work_time
from explain.methods import METHODS
from explain.refinement import CONVERGED, STABLE, Cancelled, Clock, MethodInput, RawMap, rank_agreement, refine
from explain.request import check_seconds
from model_zoo import Model, ModelError
from tests.conftest import compiling
from tests.explain.analytic import counted
from tests.explain.networks import make, model_of

EVERY = [pytest.param(method, id=method.id, marks=compiling(method.id)) for method in METHODS.values()]
HEAD = np.ones((32, 32), bool)
RAMP = np.arange(64, dtype=np.float32).reshape(8, 8)


def shuffled(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(RAMP.ravel()).reshape(8, 8)


@pytest.fixture
def now(monkeypatch):
    """A processor's clock that stands still until it is set: `now[0]` is the thread's time in seconds."""
    time = [0.0]
    monkeypatch.setattr(work_time, "time", SimpleNamespace(thread_time=lambda: time[0], perf_counter=lambda: time[0]))
    return time


@lru_cache
def functional() -> Model:
    return model_of(make("functional"))


@lru_cache
def sequential() -> Model:
    return model_of(make("sequential"))


def input_with(clock: Clock) -> MethodInput:
    square = np.full((32, 32, 3), 0.5, np.float32)
    return MethodInput(sequential(), square, 0, clock=clock)


def drafts(maps: list[np.ndarray], *, last_done: float = 0.9, taken: list | None = None) -> Iterator[RawMap]:
    """Yield the maps, each of twice the samples of the one before."""
    for number, values in enumerate(maps, start=1):
        if taken is not None:
            taken.append(number)
        yield RawMap(values, 10 * number, last_done * 2.0 ** (number - len(maps)))


def like(values: np.ndarray) -> np.ndarray:
    """A map that agrees with `values` by more than STABLE, but less than CONVERGED: 14 neighbours in rank reversed."""
    close = values.copy()
    order = np.argsort(close.ravel())[:14]
    close.ravel()[order] = close.ravel()[order[::-1]]
    assert STABLE < rank_agreement(values, close, HEAD) < CONVERGED
    return close


def test_it_stops_when_stable_twice_in_a_row(now):
    """The first agreement is not enough, nor are two that do not follow each other."""
    a, b, c = RAMP, shuffled(1), shuffled(2)
    taken: list[int] = []
    maps = [a, b, like(b), c, like(c), c, like(c), a]
    refined = refine(drafts(maps, taken=taken), input_with(Clock()))
    assert refined.stopped == "stable" and refined.stability >= STABLE and taken == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(refined.values, c)


def test_a_converged_map_is_enough_once(now):
    taken: list[int] = []
    refined = refine(drafts([RAMP, shuffled(1), shuffled(1), RAMP], taken=taken), input_with(Clock()))
    assert (refined.stopped, refined.stability) == ("stable", pytest.approx(1)) and taken == [1, 2, 3]


def test_a_lower_threshold_for_stable_can_be_set(now):
    nearly = RAMP.copy()
    nearly.ravel()[:24] = RAMP.ravel()[23::-1]
    assert 0.8 < rank_agreement(RAMP, nearly, HEAD) < 0.97
    maps = [RAMP, nearly, RAMP, nearly]
    low, default = (refine(drafts(maps, last_done=1), input_with(b)) for b in (Clock(stable=0.8), Clock()))
    assert (low.stopped, low.evaluations, default.stopped) == ("stable", 30, "complete")


def test_it_stops_when_the_method_is_complete(now):
    taken: list[int] = []
    refined = refine(drafts([shuffled(k) for k in range(3)] * 2, last_done=8, taken=taken), input_with(Clock()))
    assert refined.stopped == "complete" and refined.done == 1 and taken == [1, 2, 3]
    assert abs(refined.stability) < 0.4


@pytest.mark.parametrize(
    ("last", "agreement"), [(1, pytest.approx(0, abs=0.4)), (2, pytest.approx(1)), (3, pytest.approx(0, abs=0.4))]
)
def test_the_last_map_is_compared_with_that_of_at_most_half_its_samples(now, last, agreement):
    """Not with one that shares most of its samples: 1, 2, 4 and 5 sets, the last like one of those before."""
    maps = [shuffled(1), shuffled(2), shuffled(3)]
    done = zip([*maps, maps[last - 1]], (0.2, 0.4, 0.8, 1.0), strict=True)
    refined = refine((RawMap(values, 1, share) for values, share in done), input_with(Clock()))
    assert (refined.stopped, refined.stability) == ("complete", agreement)


def test_a_map_without_one_of_half_its_samples_has_no_stability(now):
    done = zip([RAMP, shuffled(1), shuffled(1)], (0.6, 0.8, 1.0), strict=True)
    refined = refine((RawMap(values, 1, share) for values, share in done), input_with(Clock()))
    assert (refined.stopped, refined.stability) == ("complete", None)


def test_a_single_map_has_no_stability(now):
    refined = refine(iter([RawMap(RAMP, 1)]), input_with(Clock()))
    assert (refined.stopped, refined.stability) == ("complete", None)


def test_it_stops_at_the_time_limit_with_the_last_map(now):
    given = input_with(Clock(seconds=5))

    def slow() -> Iterator[RawMap]:
        for number in range(6):
            now[0] += 2
            yield RawMap(shuffled(number), number, 0.1)

    refined = refine(slow(), given)
    assert refined.stopped == "time" and refined.evaluations == 2 and now[0] == 6


def test_the_time_limit_also_ends_a_draft_in_the_middle(now):
    """The next draft calls the model, where the clock is checked."""
    given = input_with(Clock(seconds=5))

    def slow() -> Iterator[RawMap]:
        yield RawMap(RAMP, 1, 0.5)
        now[0] += 6
        given.scores(np.zeros((3, 32, 32, 3), np.float32))
        raise AssertionError("went on after the time limit")

    refined = refine(slow(), given)
    assert refined.stopped == "time" and refined.evaluations == 1


def test_there_is_always_a_first_map_however_short_the_limit(now):
    """Nothing is cut off before there is a coarse map: a late map is better than none."""
    given = input_with(Clock(seconds=1e-9))

    def slow() -> Iterator[RawMap]:
        now[0] += 100
        given.scores(np.zeros((100, 32, 32, 3), np.float32))
        yield RawMap(RAMP, 100, 0.01)
        raise AssertionError("refined after the time limit")

    assert refine(slow(), given).stopped == "time"


@pytest.mark.parametrize("method", EVERY)
def test_every_method_gives_a_map_at_the_shortest_limit(method, noise):
    engine = next(iter(method.engines.values()))
    given = MethodInput(functional(), noise[0], 1, clock=Clock(seconds=1e-9))
    refined = refine(engine(given), given)
    assert np.isfinite(refined.values).all()
    assert refined.stopped == ("time" if refined.done < 1 else "complete")


@pytest.mark.parametrize("seconds", [0, -1, -0.0, float("nan"), float("-inf")])
def test_a_time_limit_that_is_not_above_0_is_refused(seconds):
    with pytest.raises(ModelError, match="more than 0 seconds"):
        check_seconds(seconds)


def test_a_cancel_is_checked_before_and_between_the_drafts(now):
    with pytest.raises(Cancelled):
        input_with(Clock(cancelled=lambda: True)).scores(np.zeros((1, 32, 32, 3), np.float32))
    cancels = iter([False, False, True])
    given = input_with(Clock(cancelled=lambda: next(cancels)))
    taken: list[int] = []
    with pytest.raises(Cancelled):
        refine(drafts([shuffled(k) for k in range(9)], taken=taken), given)
    assert taken == [1, 2, 3]


def test_a_cancel_waits_for_at_most_one_chunk(noise):
    model, calls = counted(sequential())
    given = MethodInput(model, noise[0], 0, clock=Clock(cancelled=lambda: len(calls) == 2))
    with pytest.raises(Cancelled):
        given.scores(np.repeat(noise[:1], 200, axis=0))
    assert calls == [32, 32]


@pytest.mark.parametrize("method", EVERY)
def test_progress_never_goes_back_and_ends_with_the_map(method, noise):
    shares: list[float] = []
    clock = Clock(progress=shares.append, stable=2)  # never stable: to the full effort
    given = MethodInput(functional(), noise[0], 1, clock=clock)
    refined = refine(next(iter(method.engines.values()))(given), given)
    assert shares == sorted(shares) and 0 < shares[0] <= shares[-1] == refined.done == 1
    assert refined.stopped == "complete"


def test_scores_are_the_target_s_logits_of_a_batch_of_any_size(noise):
    given = MethodInput(sequential(), noise[0], 2)
    batch = np.random.default_rng(0).random((70, 32, 32, 3), dtype=np.float32)
    together = given.scores(batch)
    np.testing.assert_allclose(together, given.model.network(batch).numpy()[:, 2], atol=1e-5)


def test_the_grey_picture_of_a_square_is_in_the_unit_range():
    from scans import InputSpec

    model = model_of(make("sequential"), input=InputSpec(32, 32, value_range=(-1.0, 1.0)))
    square = np.full((32, 32, 3), -1, np.float32)
    square[10:20, 5:9] = 1
    picture = MethodInput(model, square, 0).unit
    assert picture[0, 0] == 0 and picture[15, 7] == 1 and picture.dtype == np.float32


def test_without_a_head_the_whole_square_counts():
    assert input_with(Clock()).head.all()
    empty = MethodInput(sequential(), np.zeros((32, 32, 3), np.float32), 0)
    assert empty.head.all()


# --- agreement of two maps


def test_ranks_agree_from_one_to_minus_one():
    assert rank_agreement(RAMP, RAMP**3 + 5, HEAD) == pytest.approx(1)
    assert rank_agreement(RAMP, -RAMP, HEAD) == pytest.approx(-1)
    assert abs(rank_agreement(RAMP, shuffled(0), HEAD)) < 0.3


def test_only_the_head_counts():
    head = np.zeros((8, 8), bool)
    head[2:6, 2:6] = True
    beside = np.where(head, RAMP, shuffled(0))
    assert rank_agreement(RAMP, beside, head) == pytest.approx(1)


def test_maps_of_two_grids_are_compared_on_the_coarser():
    fine = np.kron(RAMP, np.ones((4, 4), np.float32))
    assert rank_agreement(fine, RAMP, HEAD) == rank_agreement(RAMP, fine, HEAD) == pytest.approx(1)


@pytest.mark.parametrize(
    ("first", "second", "agreement"),
    [(0 * RAMP, RAMP, 0), (RAMP, 0 * RAMP + 3, 0), (0 * RAMP, 0 * RAMP, 1), (0 * RAMP, 0 * RAMP + 1, 0)],
)
def test_a_flat_map_agrees_with_itself_only(first, second, agreement):
    assert rank_agreement(first, second, HEAD) == agreement


def test_a_head_smaller_than_a_cell_does_not_fail():
    speck = np.zeros((32, 32), bool)
    speck[3, 3] = True
    assert rank_agreement(RAMP, RAMP, speck) == pytest.approx(1)
