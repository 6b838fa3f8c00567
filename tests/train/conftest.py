"""Fixtures of the training tests."""

import pytest

from train import fit


def run_eagerly() -> pytest.MonkeyPatch:
    """Train step by step, without tracing, until the patch is undone."""
    patch, compile_model = pytest.MonkeyPatch(), fit.compile_model

    def compile_eagerly(model, *arguments) -> None:
        compile_model(model, *arguments)
        model.run_eagerly = True

    patch.setattr(fit, "compile_model", compile_eagerly)
    return patch


@pytest.fixture(scope="module")
def eager_training():
    """No step is traced: that takes seconds per run, and the few steps of a test hundredths.

    For tests of what a run writes, learns and refuses. `test_fit` and `test_command` train as users do.
    """
    patch = run_eagerly()
    yield
    patch.undo()
