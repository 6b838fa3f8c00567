"""Fixtures of the training tests."""

import keras
import pytest


@pytest.fixture(scope="module")
def eager_training():
    """Train step by step, without tracing: that takes seconds per run, the few steps of a test hundredths.

    For tests of what a run writes, learns and refuses. `test_fit` and `test_command` train as users do.
    """
    compiled = keras.Model.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "compile", lambda *args, **kwargs: compiled(*args, **kwargs, run_eagerly=True))
        yield
