"""What a browser left behind: its uploads and scans are given back to the system half a minute after it has gone.

Streamlit keeps a session for a while after its browser has left, in case it comes back (`disconnectedSessionTTL` in
.streamlit/config.toml), and forgets it when the next one comes or goes: the uploads of the last one of a day would stay
in memory until the morning.
"""

import ctypes
import gc
import time
from contextlib import suppress
from threading import Thread

from streamlit.runtime import Runtime

from pages.components.state import STATES, PageState
from pages.door.sessions import forget_all_sessions_but

EVERY = 5.0  # seconds between two looks


def watch_for_closed_sessions() -> None:
    """Start a thread that looks after them for good."""
    Thread(target=_watch, name="closed sessions", daemon=True).start()


def _watch() -> None:
    while True:
        time.sleep(EVERY)
        with suppress(AttributeError, RuntimeError):  # a newer Streamlit may keep its sessions elsewhere
            # To list them is to drop those that no browser may come back to any more.
            forget_all_but({each.session.id for each in Runtime.instance()._session_mgr.list_sessions()})


def forget_all_but(alive: set[str]) -> None:
    """Empty the state of each session whose id is not among `alive`, and give the memory back to the system."""
    forget_all_sessions_but(alive)
    over = set(STATES) - alive
    for session_id in over:
        empty(STATES.pop(session_id))
        if Runtime.exists():
            Runtime.instance().uploaded_file_mgr.remove_session_files(session_id)
    if over:
        give_back_memory()


def empty(state: PageState) -> None:
    """Let go of all that a state holds: others may still refer to it."""
    vars(state).update(vars(PageState(queue=state.queue)))


def give_back_memory() -> None:
    """Collect what nobody refers to any more, and give the free memory back to the system, where it can be told to."""
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc only
        ctypes.CDLL("libc.so.6").malloc_trim(0)
