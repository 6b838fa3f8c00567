"""What a test may change for the whole process, and must put back: else the tests after it run in another world."""

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

import numpy as np

_LOGGER = logging.getLogger("candor")
_NO_POLICY = "float32"  # Keras' own, as long as it is not loaded


# Set by packages when they are first imported, which the first test of a file that needs them may do.
_OF_IMPORTS = {
    "ENABLE_RUNTIME_UPTIME_TELEMETRY", "HDF5_PLUGIN_PATH", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK",
    "LD_LIBRARY_PATH", "MPLBACKEND", "TF2_BEHAVIOR", "TPU_ML_PLATFORM", "TPU_ML_PLATFORM_VERSION",
}  # fmt: skip


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name not in _OF_IMPORTS
    }


def _set_environment(before: dict[str, str]) -> None:
    for name in _environment().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _policy() -> str:
    try:
        return sys.modules["keras"].mixed_precision.dtype_policy().name
    except (KeyError, AttributeError):  # not imported, or just being so by another thread
        return _NO_POLICY


def _set_policy(name: str) -> None:
    sys.modules["keras"].mixed_precision.set_dtype_policy(name)


def _logger() -> tuple:
    return _LOGGER.level, tuple(_LOGGER.handlers), _LOGGER.propagate, _LOGGER.disabled


def _set_logger(before: tuple) -> None:
    level, handlers, _LOGGER.propagate, _LOGGER.disabled = before
    _LOGGER.setLevel(level)
    _LOGGER.handlers = list(handlers)


def _handlers() -> dict[int, object]:
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)}


def _set_handlers(before: dict[int, object]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


def _kept_from_import() -> set[str]:
    """Return the modules that cannot be imported; that of OpenVINO's telemetry never can (model_zoo/backend.py)."""
    return {name for name, module in sys.modules.copy().items() if module is None} - {"openvino_telemetry"}


def _let_import(before: set[str]) -> None:
    for name in _kept_from_import() - before:
        del sys.modules[name]


def _of_module(module: str, name: str, usual: object) -> tuple[Callable[[], object], Callable[[object], None]]:
    """Return how a variable of a module is read, `usual` while it is not imported, and how it is set."""
    return lambda: getattr(sys.modules.get(module), name, usual), lambda value: setattr(
        sys.modules[module], name, value
    )


# name -> how it is read, and how it is put back
SETTINGS: dict[str, tuple[Callable[[], object], Callable[[object], object]]] = {
    "environment": (_environment, _set_environment),
    "working folder": (os.getcwd, os.chdir),
    "precision of Keras": (_policy, _set_policy),
    "level below which nothing is logged": (lambda: logging.root.manager.disable, logging.disable),
    "log": (_logger, _set_logger),
    "handlers of signals": (_handlers, _set_handlers),
    "hook for exceptions": (lambda: sys.excepthook, lambda hook: setattr(sys, "excepthook", hook)),
    "hook for threads": (lambda: threading.excepthook, lambda hook: setattr(threading, "excepthook", hook)),
    "modules kept from import": (_kept_from_import, _let_import),
    "numeric errors": (np.geterr, lambda before: np.seterr(**before)),
    "time limit of sockets": (socket.getdefaulttimeout, socket.setdefaulttimeout),
    "garbage collection": (gc.isenabled, lambda enabled: gc.enable() if enabled else gc.disable()),
    "audit log": _of_module("explain.audit", "_kept", None),
    "door": _of_module("pages.door.entrance", "_of_process", None),
}


def settings() -> dict[str, object]:
    """Return what this process has set, by name."""
    return {name: read() for name, (read, _) in SETTINGS.items()}


def changed_since(before: dict[str, object]) -> list[str]:
    """Return a line for each setting that is another than `before`, and put these back."""
    lines = []
    for name, now in settings().items():
        if now != before[name]:
            lines.append(f"{name}: {_difference(before[name], now)}")
            SETTINGS[name][1](before[name])
    return lines


def _difference(before: object, now: object) -> str:
    if isinstance(before, dict):
        names = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
        return ", ".join(f"{key} from {before.get(key)!r} to {now.get(key)!r}" for key in names)
    return f"from {before!r} to {now!r}"
