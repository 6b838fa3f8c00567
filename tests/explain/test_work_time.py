"""A time limit counts the work of the explanation itself: waiting, and what others take of the processor, does not."""

import time
from dataclasses import replace
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from explain import work_time
from explain.methods import METHODS
from explain.refinement import Clock, MethodInput, refine
from explain.work_time import WorkTime
from model_zoo.runtime import Runtime
from tests.explain.networks import make, model_of

SAMPLING = ("lime", "shap", "occlusion", "rise")  # of many passes of the runtime


@pytest.fixture
def clocks(monkeypatch):
    """Clocks that stand still until they are set: of the thread and of the wall, in seconds."""
    clocks = SimpleNamespace(thread=0.0, wall=0.0)
    named = SimpleNamespace(thread_time=lambda: clocks.thread, perf_counter=lambda: clocks.wall)
    monkeypatch.setattr(work_time, "time", named)
    return clocks


def runtime() -> Runtime:
    return Runtime(lambda batch: np.zeros((len(batch), 4), np.float32), "tensorflow", "f32")


def a_pass(work: WorkTime, network: object, clocks, seconds: float, scans: int = 32, thread: float = 0.0) -> None:
    with work.of_pass(network, scans):
        clocks.wall += seconds
        clocks.thread += thread


def test_the_thread_s_own_processor_time_is_work_and_waiting_is_not(clocks):
    work = WorkTime()
    clocks.wall += 60
    assert work.seconds == 0
    clocks.thread += 2
    assert work.seconds == 2


def test_a_pass_counts_as_long_as_the_fastest_of_its_kind(clocks):
    work, network = WorkTime(), runtime()
    a_pass(work, network, clocks, 9)  # others were there, too
    assert work.seconds == 9
    a_pass(work, network, clocks, 2)
    assert work.seconds == 4  # so the first could have done with 2
    a_pass(work, network, clocks, 30)
    assert work.seconds == 6


def test_passes_of_another_size_or_network_are_of_another_kind(clocks):
    work, network, other = WorkTime(), runtime(), runtime()
    a_pass(work, network, clocks, 1)
    a_pass(work, network, clocks, 3, scans=64)
    a_pass(work, other, clocks, 5)
    assert work.seconds == 9


def test_the_next_explanation_knows_the_fastest_pass_of_the_one_before(clocks):
    network = runtime()
    a_pass(WorkTime(), network, clocks, 1)
    work = WorkTime()
    a_pass(work, network, clocks, 50)
    assert work.seconds == 1


def test_what_the_thread_does_within_a_pass_counts_once(clocks):
    work = WorkTime()
    a_pass(work, runtime(), clocks, 3, thread=2)
    assert work.seconds == 3


def test_a_network_that_is_gone_is_forgotten(clocks):
    network = runtime()
    a_pass(WorkTime(), network, clocks, 1)
    before = len(work_time._fastest)
    del network
    assert len(work_time._fastest) == before - 1


def test_others_on_the_processor_are_no_work_of_this_thread():
    stop = []

    def busy() -> None:
        while not stop:
            sum(range(1000))

    others = [Thread(target=busy) for _ in range(4)]
    work = WorkTime()
    try:
        for other in others:
            other.start()
        time.sleep(0.3)
        assert work.seconds < 0.1
    finally:
        stop.append(True)
        for other in others:
            other.join()


@pytest.mark.parametrize("method", SAMPLING)
def test_passes_held_up_by_others_do_not_cut_a_map_off(method, noise):
    """Each pass but the first of its size waits for longer than the whole limit allows."""
    model = model_of(make("sequential"))
    now, seen = [0.0], set()

    def held_up(batch: np.ndarray) -> np.ndarray:
        now[0] += 100.0 if len(batch) in seen else 1e-3
        seen.add(len(batch))
        return model.runtime.logits(batch)

    held = replace(model, runtime=Runtime(held_up, "tensorflow", "f32"))
    found = {}
    for name, each in (("alone", model), ("beside others", held)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(work_time, "time", SimpleNamespace(thread_time=lambda: 0.0, perf_counter=lambda: now[0]))
            given = MethodInput(each, noise[0], 1, clock=Clock(seconds=1.0))
            found[name] = refine(next(iter(METHODS[method].engines.values()))(given), given)
    assert now[0] > 100 and found["beside others"].stopped == found["alone"].stopped != "time"
    np.testing.assert_array_equal(found["beside others"].values, found["alone"].values)
