"""Whose session is whose: what one person uploads and is shown is no other's.

Streamlit keeps which files a session shows, and has no way to ask for it: what is read of it here is its own, and a
test sees that it is still there.
"""

from streamlit.runtime import Runtime
from streamlit.runtime.media_file_manager import MediaFileManager

OWNERS: dict[str, str] = {}  # id of a session -> subject, until `closed_sessions` finds it over
DOWNLOADS: dict[str, set[str]] = {}  # id of a file made at a click -> ids of the sessions


def owns_session(subject: str, session_id: str) -> bool:
    """Return whether a session is this person's."""
    return OWNERS.get(session_id) == subject


def owns_media(subject: str, file_name: str) -> bool:
    """Return whether a picture or a download, by the last part of its address, is of one of this person's sessions."""
    if not Runtime.exists():
        return False
    files, file_id = Runtime.instance().media_file_mgr, file_name.partition(".")[0]
    with files._lock:
        holding = [session for session, ids in files._files_by_session_and_coord.items() if file_id in ids.values()]
    return any(owns_session(subject, session) for session in (*holding, *DOWNLOADS.get(file_id, ())))


def remember_downloads(files: MediaFileManager) -> None:
    """Note from now on whose the files are that are made at a click: Streamlit itself forgets it."""
    make = files.execute_deferred

    def execute_deferred(placeholder: str) -> str:
        with files._lock:
            entry = files._deferred_callables.get(placeholder)
        address = make(placeholder)
        if entry is not None:
            file_id = address.rpartition("/")[2].partition(".")[0]
            DOWNLOADS[file_id] = DOWNLOADS.get(file_id, set()) | {entry["session_id"]}
        return address

    files.execute_deferred = execute_deferred


def forget_all_sessions_but(alive: set[str]) -> None:
    """Forget whose the sessions were whose ids are not among `alive`."""
    for session_id in set(OWNERS) - alive:
        OWNERS.pop(session_id, None)
    for file_id, sessions in list(DOWNLOADS.items()):
        if not sessions & alive:
            DOWNLOADS.pop(file_id, None)
