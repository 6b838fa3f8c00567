"""Whose session is whose: what one person uploads and is shown is no other's."""

from streamlit.runtime import Runtime

OWNERS: dict[str, str] = {}  # id of a session -> subject, until `closed_sessions` finds it over


def owns_session(subject: str, session_id: str) -> bool:
    """Return whether a session is this person's."""
    return OWNERS.get(session_id) == subject


def owns_media(subject: str, file_id: str) -> bool:
    """Return whether a picture or a download belongs to one of this person's sessions."""
    if not Runtime.exists():
        return False
    files = Runtime.instance().media_file_mgr
    name = file_id.partition(".")[0]  # an address is the id with the suffix of its type
    with files._lock:  # Streamlit keeps this by session, and has no way to ask for it
        held = {session: set(ids.values()) for session, ids in files._files_by_session_and_coord.items()}
    return any(owns_session(subject, session) and name in ids for session, ids in held.items())
