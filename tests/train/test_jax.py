"""A training on Keras' JAX backend, as on a machine with a GPU, and its evaluation on TensorFlow's."""

import csv
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from model_zoo import model_card
from model_zoo.weights import load_checked

ROOT = Path(__file__).parents[2]

# Not among the development packages: TensorFlow imports JAX where it finds it, into every process.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("jax"), reason="JAX is not installed: pip install 'jax>=0.10,<0.11'"),
]

SETTINGS = ("limit=10", "size=32", "epochs=2", "batch=16", "whole_batches=1", "average=0.9", "evaluate=val")
LOGITS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from model_zoo import load_model
model = load_model("cnn3-phantom4")
batches = np.load(sys.argv[1])
with ThreadPoolExecutor(4) as pool:  # as the threads that prepare batches ask a teacher
    np.save(sys.argv[2], np.stack(list(pool.map(model.runtime.logits, batches))))
print(model.runtime.engine)
"""


def on(backend: str, *command, zoo: Path) -> str:
    """Return what a command prints where Keras runs on `backend`."""
    environment = os.environ | {"KERAS_BACKEND": backend, "CANDOR_ZOO": str(zoo), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def train(backend: str, out: Path, *more, zoo: Path) -> str:
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    return on(backend, "-m", "train", "cnn3-phantom4", "--out", out, *settings, *more, zoo=zoo)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A zoo with a model that was trained on JAX."""
    folder = tmp_path_factory.mktemp("jax")
    train("jax", folder, zoo=folder)
    return folder


def scores(folder: Path) -> np.ndarray:
    with (folder / "cnn3-phantom4" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in row if name.startswith("p_")] for row in rows])


def test_a_run_on_jax_is_evaluated_on_tensorflow_as_on_jax(zoo):
    on_jax = scores(zoo)
    (zoo / "cnn3-phantom4" / "predictions.csv").unlink()
    train("tensorflow", zoo, "--resume", zoo=zoo)
    assert on_jax.size and np.allclose(scores(zoo), on_jax, atol=1e-4)


def test_threads_that_ask_a_model_on_jax_at_once_get_the_logits_of_tensorflow(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    batches = np.random.default_rng(0).random((12, 40, 32, 32, 3), dtype=np.float32)
    np.save(tmp_path / "batches.npy", batches)
    engine = on("jax", "-c", LOGITS, tmp_path / "batches.npy", tmp_path / "logits.npy", zoo=zoo)
    network = load_checked(zoo / "cnn3-phantom4" / "model.keras", model_card("cnn3-phantom4").weights_sha256)
    expected = np.stack([network(batch).numpy() for batch in batches])
    assert engine.split()[-1] == "keras"
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), expected, atol=1e-4)


def test_a_model_teaches_another_on_jax(zoo, tmp_path):
    train("jax", tmp_path, "--set", "teacher=cnn3-phantom4", "--set", "teach=0.8", "--set", "mix=0.3", zoo=zoo)
    assert (tmp_path / "cnn3-phantom4" / "card.json").exists()
