"""What a browser left behind: its uploads and scans are given back to the system some minutes after it has gone.

Streamlit keeps a session for two minutes after its browser has left, in case it comes back, and forgets it when the
next one comes or goes: the uploads of the last one of a day would stay in memory until the morning.
"""

import ctypes
import gc
import time
from contextlib import suppress
from threading import Thread

from streamlit.runtime import Runtime

EVERY = 20.0  # seconds between two looks


def watch_for_closed_sessions() -> None:
    """Start a thread that looks after them for good."""
    Thread(target=_watch, name="closed sessions", daemon=True).start()


def _watch() -> None:
    before = 0
    while True:
        time.sleep(EVERY)
        now = sessions()
        if now < before:
            give_back_memory()
        before = now


def sessions() -> int:
    """Return how many sessions there are, those that a browser may still come back to included."""
    with suppress(AttributeError, RuntimeError):  # a newer Streamlit may keep them elsewhere
        return len(Runtime.instance()._session_mgr.list_sessions())  # to list them is to drop those that are over
    return 0


def give_back_memory() -> None:
    """Collect what nobody refers to any more, and give the free memory back to the system, where it can be told to."""
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc only
        ctypes.CDLL("libc.so.6").malloc_trim(0)
