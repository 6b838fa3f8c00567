"""Every setting of the process that a test could leave behind is noticed, named and put back."""

import gc
import logging
import os
import signal
import socket
import sys
import threading

import keras
import numpy as np
import pytest

from explain import audit
from pages.door import entrance
from tests.process_settings import SETTINGS, changed_since, settings

OTHER = {
    "environment": lambda folder: os.environ.update(CANDOR_ZOO=str(folder)),
    "working folder": os.chdir,
    "precision of Keras": lambda _: keras.mixed_precision.set_dtype_policy("mixed_bfloat16"),
    "level below which nothing is logged": lambda _: logging.disable(logging.CRITICAL),
    "log": lambda _: logging.getLogger("candor").setLevel(logging.DEBUG),
    "handlers of signals": lambda _: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "hook for exceptions": lambda _: setattr(sys, "excepthook", print),
    "hook for threads": lambda _: setattr(threading, "excepthook", print),
    "modules kept from import": lambda _: sys.modules.update({"no_such_module": None}),
    "numeric errors": lambda _: np.seterr(divide="raise"),
    "time limit of sockets": lambda _: socket.setdefaulttimeout(5),
    "garbage collection": lambda _: gc.disable(),
    "audit log": audit.keep_in,
    "door": lambda _: setattr(entrance, "_of_process", "another"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_left_behind_is_named_and_put_back(name, tmp_path):
    before = settings()
    OTHER[name](tmp_path)
    (line,) = changed_since(before)
    assert line.startswith(f"{name}: ") and settings() == before


def test_a_variable_that_is_gone_comes_back(monkeypatch):
    monkeypatch.setenv("CANDOR_EXAMPLE", "1")
    before = settings()
    del os.environ["CANDOR_EXAMPLE"]
    assert changed_since(before) == ["environment: CANDOR_EXAMPLE from '1' to None"] and settings() == before
