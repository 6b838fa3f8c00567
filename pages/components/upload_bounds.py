"""A bound on what the server holds of uploads, for each session and for all together.

Streamlit's endpoint keeps every file that a browser sends, whatever a page makes of it, and frees it with the session.
A file beyond a bound is dropped as it comes: its record stays, empty, and names the bound for the page to tell.
"""

from threading import Lock

from streamlit.runtime import Runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileManager, UploadedFileRec

from scans import MAX_TOGETHER

OF_SESSION = MAX_TOGETHER  # bytes: what the page keeps of one study, sent once
OF_SERVER = 800_000_000  # bytes of all sessions: with the app itself, below 2 GB
SENTENCES = {  # by the type of the record that is kept of such a file
    "x-candor/session-is-full": "This file was not taken: a session holds uploads of "
    f"{OF_SESSION // 10**6} MB together. Remove some and upload it again.",
    "x-candor/server-is-full": "This file was not taken: the server holds uploads of "
    f"{OF_SERVER // 10**6} MB together, of all its users. Try again in a minute.",
}
_SESSION_IS_FULL, _SERVER_IS_FULL = SENTENCES

_lock = Lock()


def bound_uploads() -> None:
    """Set the bounds for this server; once is enough, and without a server there is nothing to do."""
    if Runtime.exists():
        keep_within(Runtime.instance().uploaded_file_mgr)


def keep_within(manager: UploadedFileManager, of_session: int = OF_SESSION, of_server: int = OF_SERVER) -> None:
    """Let `manager` drop what would take the files that it holds beyond a bound, in bytes."""
    add = manager.add_file

    def add_within(session_id: str, file: UploadedFileRec) -> None:
        with _lock:
            held = {each: _size(files) for each, files in list(manager.file_storage.items())}
            if old := manager.get_files(session_id, [file.file_id]):  # sent again, it takes the place of the first
                held[session_id] -= len(old[0].data)
            if held.get(session_id, 0) + len(file.data) > of_session:
                file = file._replace(type=_SESSION_IS_FULL, data=b"")
            elif sum(held.values()) + len(file.data) > of_server:
                file = file._replace(type=_SERVER_IS_FULL, data=b"")
            add(session_id, file)

    manager.add_file = add_within


def why_dropped(sent) -> str:
    """Return why a file from an upload field was dropped, in a sentence; "" where it is all there."""
    return SENTENCES.get(sent.type, "")


def _size(files: dict[str, UploadedFileRec]) -> int:
    return sum(len(file.data) for file in list(files.values()))
