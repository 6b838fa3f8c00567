"""Threads that leave out warnings side by side leave the process as it was."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest

from scans.quiet import without_warnings

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "datasets", "dicomweb", "explain", "model_zoo", "pages", "scans")  # where several threads work


def test_warnings_are_left_out_within_the_block_alone():
    with without_warnings(UserWarning):
        warnings.warn("nobody hears this", UserWarning, stacklevel=1)
    with pytest.raises(UserWarning):
        warnings.warn("this is heard", UserWarning, stacklevel=1)


def test_a_second_thread_waits_for_the_first():
    """Were they inside together, the first to leave would restore, and the second bring the silence back."""
    before, inside, leave = list(warnings.filters), Event(), Event()

    def first() -> None:
        with without_warnings():
            inside.set()
            leave.wait(30)

    def second() -> None:
        with without_warnings():
            pass

    one, other = Thread(target=first), Thread(target=second)
    one.start()
    assert inside.wait(30)
    other.start()
    other.join(0.05)
    assert other.is_alive()
    leave.set()
    one.join(30)
    other.join(30)
    assert warnings.filters == before


def test_many_threads_leave_the_filters_as_they_were():
    before = list(warnings.filters)

    def use(_: int) -> None:
        with without_warnings(), without_warnings(UserWarning):
            warnings.warn("nobody hears this", stacklevel=1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(400)))
    assert warnings.filters == before


def test_where_several_threads_work_nothing_else_changes_the_filters():
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.name != "sandbox_worker.py"]
    found = [path for path in files if "catch_warnings" in path.read_text() or "simplefilter" in path.read_text()]
    assert len(files) > 100 and found == [ROOT / "scans" / "quiet.py"]
