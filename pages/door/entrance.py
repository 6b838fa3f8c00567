"""How the app is put behind its door: when the server starts, and again in each session."""

import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explain.audit import AUDIT, AuditError, keep_in, record
from pages.door.guard import STRANGER, Guard
from pages.door.sessions import OWNERS, remember_downloads
from pages.door.settings import (
    ENGINEER,
    LOGIN,
    OPEN,
    Door,
    DoorError,
    door_of,
    environment_secrets,
    require_door,
    with_environment,
)
from pages.door.start import Start
from pages.door.visitor import HERE, Visitor, may_pass, visitor_of_claims

_SIGN_IN = "Nobody is signed in here, or not any more; reload the page to sign in."
_FOR_ENGINEERS = "The page “{what}” is for engineers, and your role is that of a user; ask whoever runs Candor here."


_of_process: Door | None = None  # set once, when the server starts: later changes of the secrets open nothing


def arguments_of_app() -> dict:
    """Return what `st.App` is made with. A door that cannot be set so ends the process with one sentence."""
    global _of_process
    try:
        given = environment_secrets()
        _of_process = door = _door_of(given)
        require_door(config.get_option("server.address") or "", door)
        keep_in(os.environ.get(AUDIT))
    except (DoorError, AuditError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    _log_no_addresses()
    return {"secrets": given or None, "middleware": middleware_behind(door), "lifespan": _while_it_serves}


def middleware_behind(door: Door) -> list[Middleware]:
    """Return what a request passes on its way to Streamlit, first the guard of this door."""
    return [Middleware(Guard, door=door), Middleware(Start)]


@asynccontextmanager
async def _while_it_serves(_: st.App) -> AsyncIterator[None]:
    remember_downloads(Runtime.instance().media_file_mgr)
    yield


def _log_no_addresses() -> None:
    """Keep the addresses that browsers ask for out of the log: whoever makes a link can put anything into one."""
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("uvicorn.error", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)


def admit() -> Visitor:
    """Return who looks at the page; where nobody is signed in, say so and end the run.

    The server lets nobody in without a login. This is the second look: a connection that Streamlit takes without a
    login, or one that outlives it, gets no page.
    """
    visitor = _visitor()
    if not may_pass(visitor):
        record("refusal", visitor.subject if visitor else STRANGER, reason="page: not signed in")
        st.error(_SIGN_IN)
        st.stop()
    if context := get_script_run_ctx():
        OWNERS[context.session_id] = visitor.subject
    return visitor


def who() -> str:
    """Return what the audit log calls the user of this session."""
    visitor = _visitor()
    return visitor.subject if visitor else STRANGER


def is_engineer() -> bool:
    """Return whether the user of this session has the role of an engineer; everybody has, where nobody signs in."""
    visitor = _visitor()
    return visitor is not None and visitor.role == ENGINEER


def require_engineer(what: str) -> None:
    """End the page with one sentence for a user who is no engineer. `what` is the page's title."""
    if not is_engineer():
        record("refusal", who(), reason=f"page: {what}")
        st.title(what, anchor=False)
        st.error(_FOR_ENGINEERS.format(what=what))
        st.stop()


def show_visitor(visitor: Visitor) -> None:
    """Draw who is signed in, and the way out where the login is Streamlit's."""
    if visitor is HERE:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text(f"Signed in as {visitor.name} ({visitor.role}).", width="content")
        if _door().kind == LOGIN:
            st.button("Sign out", on_click=st.logout)


def _door_of(given: Mapping) -> Door:
    read = st.secrets.load_if_toml_exists()
    if not read and any(Path(each).exists() for each in config.get_option("secrets.files")):
        raise DoorError("the file of secrets cannot be read; write it as docs/security.md shows, or remove it")
    secrets = st.secrets.to_dict() if read else {}
    return door_of(with_environment(secrets, given), config.get_option("server.trustedUserHeaders"))


def _door() -> Door:
    """Return the door of this process; in a test of a page, which has no server, that of the test's own secrets."""
    return _of_process or _door_of({})


def _visitor() -> Visitor | None:
    door = _door()
    if door.kind == OPEN:
        return HERE
    claims = st.user.to_dict()
    if door.kind == LOGIN and claims.get("is_logged_in") is not True:
        return None
    return visitor_of_claims(door, claims)
