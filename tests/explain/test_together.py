"""Many who ask at once get, bit for bit, what each would have got alone; and memory does not grow with them."""

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from explain import METHODS, Budget, Cancelled, Request, explain
from explain.methods.sampling import numpy_seeded
from explain.refinement import Clock
from model_zoo import Model
from model_zoo.runtime import make_runtime
from scans import phantom
from tests.conftest import tiny_network
from tests.explain.networks import model_of

SCANS = [phantom(kind, 5, 64).scan for kind in ("glioma", "meningioma")]
QUESTIONS = [(method, f"class{target}", scan) for method in METHODS for target, scan in ((0, 0), (2, 0), (0, 1))]
MB = 2**20


def model_with(engine: str) -> Model:
    model = model_of(tiny_network())
    return Model(model.card, model.network, make_runtime(model.network, engine=engine, precision="f32"))


def answers(model: Model, asked: list[tuple[str, str, int]], threads: int) -> list[bytes]:
    def heat(one: tuple[str, str, int]) -> bytes:
        method, target, scan = one
        return explain(Request(model, SCANS[scan], method, target=target, seed=3)).heat.tobytes()

    if threads == 1:
        return [heat(one) for one in asked]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(heat, asked))


@pytest.mark.parametrize("engine", ["tensorflow", "openvino"])
def test_eight_who_ask_at_once_get_what_each_would_get_alone(engine):
    """Each question is asked twice, the same by neighbours and others beside them, of a model nobody has used yet."""
    if engine == "openvino" and find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(QUESTIONS)), 2))
    together = answers(model_with(engine), [QUESTIONS[k] for k in order], 8)
    alone = answers(model_with(engine), QUESTIONS, 1)
    wrong = {QUESTIONS[k][:2] for k, found in zip(order, together, strict=True) if found != alone[k]}
    assert wrong == set()


def test_libraries_that_share_numpy_s_generator_do_not_disturb_each_other():
    """tf-keras-vis draws its noise from it, shap its samples and its lots: they take turns."""
    model = model_with("tensorflow")
    asked = [
        ("smoothgrad", "tf-keras-vis"),
        ("expected-gradients", "shap"),
        ("shap", "shap"),
        ("smoothgrad", "compiled"),
    ]

    def heat(one: tuple[str, str]) -> bytes:
        return explain(Request(model, SCANS[0], one[0], engine=one[1], target="class1", seed=9)).heat.tobytes()

    alone = [heat(one) for one in asked]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(heat, 3 * asked)) == 3 * alone


def test_the_generator_is_given_back_as_it_was():
    np.random.seed(5)
    expected = np.random.random(3)
    np.random.seed(5)
    with numpy_seeded(1, Clock(Budget())):
        np.random.random(100)
    np.testing.assert_array_equal(np.random.random(3), expected)


def test_who_waits_for_the_generator_can_still_be_cancelled():
    with numpy_seeded(0, Clock(Budget())), ThreadPoolExecutor(1) as pool:
        gone = Budget(cancelled=lambda: True)
        waiting = pool.submit(explain, model_with("tensorflow"), SCANS[0], "shap", budget=gone)
        with pytest.raises(Cancelled):
            waiting.result(timeout=30)


def resident() -> int:
    """Return the bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_hundred_explanations_leave_no_more_than_50_mb_behind():
    model = model_with("tensorflow")
    methods = list(METHODS)
    for method in methods:  # traces, compiled graphs, numba: once
        explain(Request(model, SCANS[0], method))
    gc.collect()
    before = resident()
    for number in range(100):
        explain(
            Request(model, SCANS[number % 2], methods[number % len(methods)], target=f"class{number % 4}", seed=number)
        )
    gc.collect()
    assert (resident() - before) / MB < 50
