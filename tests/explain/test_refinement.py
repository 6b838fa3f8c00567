"""Refinement ends when a map is stable, complete or out of time, and says which; a cancel ends it at once."""

from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from explain import refinement
from explain.methods import METHODS
from explain.refinement import CONVERGED, STABLE, Cancelled, Clock, MethodInput, RawMap, rank_agreement, refine
from explain.request import check_seconds
from model_zoo import Model, ModelError
from tests.explain.known import counted
from tests.explain.networks import make, model_of

HEAD = np.ones((32, 32), bool)
RAMP = np.arange(64, dtype=np.float32).reshape(8, 8)


def shuffled(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(RAMP.ravel()).reshape(8, 8)


@pytest.fixture
def now(monkeypatch):
    """A clock that goes only when told: `now[0]` is the time in seconds."""
    time = [0.0]
    monkeypatch.setattr(refinement, "time", SimpleNamespace(monotonic=lambda: time[0]))
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
    for number, values in enumerate(maps, start=1):
        if taken is not None:
            taken.append(number)
        yield RawMap(values, 10 * number, last_done * number / len(maps))


def like(values: np.ndarray) -> np.ndarray:
    """A map that agrees with `values` by more than STABLE, and not by CONVERGED: 14 neighbours in rank turned round."""
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
    found = refine(drafts(maps, taken=taken), input_with(Clock()))
    assert found.stopped == "stable" and found.stability >= STABLE and taken == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(found.raw.values, c)


def test_a_map_that_has_converged_need_not_be_so_twice(now):
    taken: list[int] = []
    found = refine(drafts([RAMP, shuffled(1), shuffled(1), RAMP], taken=taken), input_with(Clock()))
    assert (found.stopped, found.stability) == ("stable", pytest.approx(1)) and taken == [1, 2, 3]


def test_a_lower_bar_for_stable_can_be_asked_for(now):
    nearly = RAMP.copy()
    nearly.ravel()[:24] = RAMP.ravel()[23::-1]
    assert 0.8 < rank_agreement(RAMP, nearly, HEAD) < 0.97
    maps = [RAMP, nearly, RAMP, nearly]
    low, default = (refine(drafts(maps, last_done=1), input_with(b)) for b in (Clock(stable=0.8), Clock()))
    assert (low.stopped, low.raw.evaluations, default.stopped) == ("stable", 30, "complete")


def test_it_stops_when_there_is_no_more_to_give(now):
    taken: list[int] = []
    found = refine(drafts([shuffled(k) for k in range(3)] * 2, last_done=2, taken=taken), input_with(Clock()))
    assert found.stopped == "complete" and found.raw.done == 1 and taken == [1, 2, 3]
    assert abs(found.stability) < 0.4


def test_one_map_alone_has_nothing_to_agree_with(now):
    found = refine(iter([RawMap(RAMP, 1)]), input_with(Clock()))
    assert (found.stopped, found.stability) == ("complete", None)


def test_it_stops_on_time_with_the_last_map_it_has(now):
    given = input_with(Clock(seconds=5))

    def slow() -> Iterator[RawMap]:
        for number in range(6):
            now[0] += 2
            yield RawMap(shuffled(number), number, 0.1)

    found = refine(slow(), given)
    assert found.stopped == "time" and found.raw.evaluations == 2 and now[0] == 6


def test_time_runs_out_in_the_middle_of_a_draft_too(now):
    """The next draft asks the model, which is where the clock is looked at."""
    given = input_with(Clock(seconds=5))

    def slow() -> Iterator[RawMap]:
        yield RawMap(RAMP, 1, 0.5)
        now[0] += 6
        given.scores(np.zeros((3, 32, 32, 3), np.float32))
        raise AssertionError("asked on after the time was over")

    found = refine(slow(), given)
    assert found.stopped == "time" and found.raw.evaluations == 1


def test_there_is_always_a_first_map_however_little_time(now):
    """Nothing is cut off before a coarse map is there: a late answer is better than none."""
    given = input_with(Clock(seconds=1e-9))

    def slow() -> Iterator[RawMap]:
        now[0] += 100
        given.scores(np.zeros((100, 32, 32, 3), np.float32))
        yield RawMap(RAMP, 100, 0.01)
        raise AssertionError("refined on after the time was over")

    assert refine(slow(), given).stopped == "time"


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_gives_a_map_in_no_time(method, noise):
    engine = next(iter(method.engines.values()))
    given = MethodInput(functional(), noise[0], 1, clock=Clock(seconds=1e-9))
    found = refine(engine(given), given)
    assert found.raw is not None and np.isfinite(found.raw.values).all()
    assert found.stopped == ("time" if found.raw.done < 1 else "complete")


@pytest.mark.parametrize("seconds", [0, -1, -0.0, float("nan"), float("-inf")])
def test_no_time_is_refused_in_one_sentence(seconds):
    with pytest.raises(ModelError, match=r"is no time to explain in; give more than 0 seconds"):
        check_seconds(seconds)


def test_a_cancel_is_heard_before_and_between_the_drafts(now):
    with pytest.raises(Cancelled):
        input_with(Clock(cancelled=lambda: True)).scores(np.zeros((1, 32, 32, 3), np.float32))
    heard = iter([False, False, True])
    given = input_with(Clock(cancelled=lambda: next(heard)))
    taken: list[int] = []
    with pytest.raises(Cancelled):
        refine(drafts([shuffled(k) for k in range(9)], taken=taken), given)
    assert taken == [1, 2, 3]


def test_a_cancel_waits_for_no_more_than_one_chunk(noise):
    model, asked_for = counted(sequential())
    given = MethodInput(model, noise[0], 0, clock=Clock(cancelled=lambda: len(asked_for) == 2))
    with pytest.raises(Cancelled):
        given.scores(np.repeat(noise[:1], 200, axis=0))
    assert asked_for == [32, 32]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_progress_never_goes_back_and_ends_with_the_map(method, noise):
    shares: list[float] = []
    clock = Clock(progress=shares.append, stable=2)  # never stable: to the full effort
    given = MethodInput(functional(), noise[0], 1, clock=clock)
    found = refine(next(iter(method.engines.values()))(given), given)
    assert shares == sorted(shares) and 0 < shares[0] <= shares[-1] == found.raw.done == 1
    assert found.stopped == "complete"


def test_scores_are_the_target_s_logits_of_a_batch_of_any_size(noise):
    given = MethodInput(sequential(), noise[0], 2)
    batch = np.random.default_rng(0).random((70, 32, 32, 3), dtype=np.float32)
    together = given.scores(batch)
    np.testing.assert_allclose(together, given.model.network(batch).numpy()[:, 2], atol=1e-5)


def test_the_picture_of_a_square_is_in_the_unit_range():
    from scans import InputSpec

    model = model_of(make("sequential"), input=InputSpec(32, 32, value_range=(-1.0, 1.0)))
    square = np.full((32, 32, 3), -1, np.float32)
    square[10:20, 5:9] = 1
    picture = MethodInput(model, square, 0).unit
    assert picture[0, 0] == 0 and picture[15, 7] == 1 and picture.dtype == np.float32


def test_where_no_head_is_found_all_of_it_counts():
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


def test_a_head_of_hardly_a_cell_is_no_reason_to_fail():
    speck = np.zeros((32, 32), bool)
    speck[3, 3] = True
    assert rank_agreement(RAMP, RAMP, speck) == pytest.approx(1)
