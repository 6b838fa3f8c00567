"""Fixtures of all tests: tiny seeded networks, a tiny zoo and the real scans where they are; the order of the files."""

import os
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.pop("CANDOR_ZOO", None)  # a developer's own zoo is not what is tested
os.environ["CANDOR_IMPORTED"] = str(Path(__file__).parent / "no imported models")

import numpy as np
import pytest

from model_zoo import ModelCard, gate, write_card
from model_zoo.gate import ASPECTS, GateResult
from model_zoo.weights import save_packed, sha256_of
from scans import InputSpec
from tests.process_settings import changed_since, settings

CLASSES = ("glioma", "meningioma", "notumor", "pituitary")


def compiling(name: str) -> list[pytest.MarkDecorator]:
    """Return the marks of a test with this method or engine: numba compiles shap in each process, which takes 10 s."""
    return [pytest.mark.slow] if name == "shap" else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with the longest tests first, so that several workers end at about the same time."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser"))
    items.sort(key=lambda item: (item.get_closest_marker("browser") is None, -slow[item.path]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Give all browser tests to one worker: they share a server, which takes seconds to start."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


class OpenGate:
    """A gate that takes every picture for an axial head in T1 with contrast agent."""

    def check(self, scan) -> GateResult:
        p = {head: dict.fromkeys(names, 0.0) for head, names in ASPECTS.items()}
        p = {head: by_class | {next(iter(by_class)): 1.0} for head, by_class in p.items()}
        return GateResult("head", "axial", "T1C+", "enough", p, 0.5, "")


@pytest.fixture(autouse=True)
def same_process_after_as_before():
    """Fail the test that changes the process and does not put it back, not the tests after it."""
    before = settings()
    yield
    assert changed_since(before) == []


@pytest.fixture(autouse=True)
def open_gate(request, same_process_after_as_before, monkeypatch) -> None:  # in this order: a patch is no change
    """Let discs and noise pass, which most tests predict from; with the mark `real_gate` the gate is Candor's own."""
    if not request.node.get_closest_marker("real_gate"):
        monkeypatch.setattr(gate, "_seen", {})
        monkeypatch.setattr(gate, "load_gate", OpenGate)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of the real datasets; the test is skipped where there is none."""
    folder = os.environ.get("CANDOR_DATA")
    if not folder:
        pytest.skip("the real scans are not here: set CANDOR_DATA to the folder that holds the datasets")
    return Path(folder)


def tiny_network(side: int = 32, classes: int = len(CLASSES), seed: int = 0):
    """A seeded network of 1,300 weights, (side, side, 3) -> logits, with one map of side/2 cells."""
    import keras

    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.layers.Input((side, side, 3)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="first"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(12, 3, padding="same", activation="relu", name="last"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(classes),
        ],
        name="tiny",
    )


def made_up_card(**changes) -> ModelCard:
    """Return a minimal card of a model that does not exist; `changes` overwrite its fields."""
    facts = {
        "id": "tiny-phantom4",
        "title": "A tiny network with random weights",
        "task": "phantom4",
        "classes": CLASSES,
        "names": ("Glioma", "Meningioma", "No tumour", "Pituitary tumour"),
        "input": InputSpec(32, 32),
        "tap": "last",
        "parameters": 1300,
        "recipe": {},
        "dataset": "none",
        "dataset_version": "none",
        "fingerprint": "0" * 64,
        "scans": {},
        "weights_sha256": "0" * 64,
        "weights_bytes": 1,
        "temperature": 1.0,
        "licence": "Apache-2.0",
        "scores": (),
        "limits": ("Random weights.",),
    }
    return ModelCard(**facts | changes)


def card_of(network, **changes) -> ModelCard:
    """Return an honest, minimal card of a network that is in no bundle; `changes` overwrite its fields."""
    from model_zoo.tap import (
        find_tap,  # late: it loads TensorFlow, which the process that hands out tests does not need
    )

    facts = {
        "input": InputSpec(*network.input_shape[1:]),
        "tap": find_tap(network),
        "parameters": network.count_params(),
        "recipe": {"task": "phantom4", "network": "tiny"},
    }
    return made_up_card(**facts | changes)


def write_bundle(folder: Path, network, **changes) -> ModelCard:
    """Write a bundle of `network` at `folder` with the card of `card_of`."""
    folder.mkdir(parents=True)
    weights = folder / "model.keras"
    save_packed(network, weights)
    facts = {"id": folder.name, "weights_sha256": sha256_of(weights), "weights_bytes": weights.stat().st_size}
    card = card_of(network, **facts | changes)
    write_card(card, folder / "card.json")
    return card


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory) -> Path:
    """A zoo folder with one bundle, `tiny-phantom4`."""
    zoo = tmp_path_factory.mktemp("zoo")
    write_bundle(zoo / "tiny-phantom4", tiny_network())
    return zoo


@pytest.fixture
def in_tiny_zoo(tiny_zoo, monkeypatch) -> Path:
    """The tiny zoo stands in for the repository's."""
    monkeypatch.setenv("CANDOR_ZOO", str(tiny_zoo))
    return tiny_zoo


@pytest.fixture
def noise() -> np.ndarray:
    """Float32 (5, 32, 32, 3) of seeded noise in [0, 1]: a batch for the tiny network."""
    return np.random.default_rng(0).random((5, 32, 32, 3), dtype=np.float32)
