"""The server keeps no more of uploads than a bound, and the page tells in one sentence what was dropped, and why."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.components.state import PageState
from pages.components.upload_bounds import SENTENCES, keep_within, why_dropped
from pages.components.uploads import _files

FULL_SESSION, FULL_SERVER = SENTENCES


@pytest.fixture
def manager() -> MemoryUploadedFileManager:
    """It holds 100 bytes of a session and 250 of all."""
    manager = MemoryUploadedFileManager("/upload")
    keep_within(manager, 100, 250)
    return manager


def sent(manager, session: str, file_id: str, size: int) -> UploadedFileRec:
    manager.add_file(session, UploadedFileRec(file_id, f"{file_id}.dcm", "application/dicom", b"x" * size))
    (record,) = manager.get_files(session, [file_id])
    return record


def held(manager) -> int:
    return sum(len(file.data) for files in manager.file_storage.values() for file in files.values())


def test_a_file_within_the_bounds_is_kept_as_it_came(manager):
    record = sent(manager, "a", "1", 100)
    assert len(record.data) == 100 and record.type == "application/dicom" and not why_dropped(record)


def test_a_file_beyond_the_bound_of_its_session_is_dropped_and_says_so(manager):
    sent(manager, "a", "1", 60)
    record = sent(manager, "a", "2", 41)
    assert record.data == b"" and record.type == FULL_SESSION and "Remove some" in why_dropped(record)
    assert sent(manager, "a", "3", 40).data and sent(manager, "b", "1", 100).data  # others are not concerned
    assert held(manager) == 200


def test_a_file_beyond_the_bound_of_the_server_is_dropped_and_says_so(manager):
    for session in "ab":
        sent(manager, session, "1", 100)
    record = sent(manager, "c", "1", 51)
    assert record.type == FULL_SERVER and "Try again" in why_dropped(record) and held(manager) == 200
    assert sent(manager, "c", "2", 50).data


def test_a_file_that_is_sent_again_counts_once(manager):
    assert sent(manager, "a", "1", 90).data and len(sent(manager, "a", "1", 100).data) == 100


def test_what_was_removed_or_left_makes_room(manager):
    sent(manager, "a", "1", 100)
    manager.remove_file("a", "1")
    assert sent(manager, "a", "2", 100).data
    manager.remove_session_files("a")
    assert sent(manager, "a", "3", 100).data and held(manager) == 100


def test_files_that_come_at_once_stay_within_the_bounds_together(manager):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: sent(manager, "abcd"[n % 4], str(n), 30), range(40)))
    assert held(manager) <= 250 and all(
        sum(len(each.data) for each in files.values()) <= 100 for files in manager.file_storage.values()
    )


@pytest.mark.parametrize("kind", SENTENCES)
def test_the_page_tells_of_a_dropped_file_in_one_place_and_takes_nothing(kind):
    session = PageState()
    dropped = SimpleNamespace(file_id="1", name="a.dcm", type=kind, getvalue=lambda: b"")
    assert _files(session, dropped) == [] and session.refused == {"1": ("a.dcm", SENTENCES[kind])}
    assert "MB" in SENTENCES[kind] and "\n" not in SENTENCES[kind]
