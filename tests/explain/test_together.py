"""Requests that run at once get, bit for bit, the maps that each would have got alone; and memory does not grow."""

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from explain import METHODS, Cancelled, Request, explain
from explain.methods.sampling import numpy_seeded
from explain.refinement import Clock
from model_zoo import Model
from model_zoo.runtime import make_runtime
from pages.components.closed_sessions import give_back_memory
from scans import phantom
from tests.conftest import tiny_network
from tests.explain.networks import model_of

SCANS = [phantom(kind, 5, 64).scan for kind in ("glioma", "meningioma")]
REQUESTS = [(method, f"class{target}", scan) for method in METHODS for target, scan in ((0, 0), (2, 0), (0, 1))]
MB = 2**20
PATIENT = 3600.0  # seconds: no map is cut off, however busy the machine is


def model_with(engine: str) -> Model:
    model = model_of(tiny_network())
    return Model(model.card, model.network, make_runtime(model.network, engine=engine, precision="f32"))


def heats(model: Model, requests: list[tuple[str, str, int]], threads: int) -> list[bytes]:
    def heat(one: tuple[str, str, int]) -> bytes:
        method, target, scan = one
        return explain(Request(model, SCANS[scan], method, target=target, seed=3, seconds=PATIENT)).heat.tobytes()

    if threads == 1:
        return [heat(one) for one in requests]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(heat, requests))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["tensorflow", "openvino"])
def test_eight_at_once_get_what_each_would_get_alone(engine):
    """Each request runs twice, beside itself and beside others, on a model that has not been used yet."""
    if engine == "openvino" and find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(REQUESTS)), 2))
    together = heats(model_with(engine), [REQUESTS[k] for k in order], 8)
    alone = heats(model_with(engine), REQUESTS, 1)
    wrong = {REQUESTS[k][:2] for k, heat in zip(order, together, strict=True) if heat != alone[k]}
    assert wrong == set()


@pytest.mark.slow
def test_libraries_that_share_numpy_s_generator_do_not_disturb_each_other():
    """tf-keras-vis draws its noise from it, shap its samples: they take turns."""
    model = model_with("tensorflow")
    runs = [
        ("smoothgrad", "tf-keras-vis"),
        ("expected-gradients", "shap"),
        ("shap", "shap"),
        ("smoothgrad", "compiled"),
    ]

    def heat(one: tuple[str, str]) -> bytes:
        request = Request(model, SCANS[0], one[0], engine=one[1], target="class1", seed=9, seconds=PATIENT)
        return explain(request).heat.tobytes()

    alone = [heat(one) for one in runs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(heat, 3 * runs)) == 3 * alone


def test_the_generator_is_left_as_it_was():
    np.random.seed(5)
    expected = np.random.random(3)
    np.random.seed(5)
    with numpy_seeded(1, Clock()):
        np.random.random(100)
    np.testing.assert_array_equal(np.random.random(3), expected)


@pytest.mark.slow
def test_a_request_that_waits_for_the_generator_can_be_cancelled():
    with numpy_seeded(0, Clock()), ThreadPoolExecutor(1) as pool:
        request = Request(model_with("tensorflow"), SCANS[0], "shap")
        waiting = pool.submit(explain, request, cancelled=lambda: True)
        with pytest.raises(Cancelled):
            waiting.result(timeout=30)


def in_use() -> int:
    """Return the memory of this process in bytes, without what it has freed and keeps, as after a training."""
    give_back_memory()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_hundred_explanations_leave_no_more_than_50_mb_behind():
    model = model_with("tensorflow")
    methods = list(METHODS)
    for method in methods:  # traces, compiled graphs, numba: once
        explain(Request(model, SCANS[0], method))
    before = in_use()
    for number in range(100):
        explain(
            Request(model, SCANS[number % 2], methods[number % len(methods)], target=f"class{number % 4}", seed=number)
        )
    assert (in_use() - before) / MB < 50
