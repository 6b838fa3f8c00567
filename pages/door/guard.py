"""What stands before every answer of the app: the name it is called by, who asks, and what they may have.

It is the outermost part of the server: nothing of Streamlit, not even its empty page, is answered to somebody who has
to sign in and has not. What it lets through is no more than what a browser needs to sign in.
"""

import logging
import traceback
from collections import OrderedDict
from pathlib import Path

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.url_util import make_url_path
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from explain.audit import record
from explain.rate import REFUSALS, Rate
from pages.door.headers import headers_of, secured
from pages.door.limits import OPENED, SOCKETS, UPLOADS, AtOnce
from pages.door.own_pages import no_role_page, sign_in_page
from pages.door.sessions import owns_media, owns_session
from pages.door.settings import ENGINEER, LOGIN, OPEN, Door
from pages.door.tabs import Tabs, ending
from pages.door.visitor import Visitor, believed, may_pass, seconds_left, visitor_of

HEALTH = ("/_stcore/health",)
SIGN_IN, SIGN_OUT = "/sign-in", "/auth/logout"
LOGIN_PATHS = ("/auth/login", SIGN_OUT, "/oauth2callback", SIGN_IN)  # answered without a login, where there is one
ENGINEERS_ONLY = ("/_stcore/metrics",)
STRANGER = "nobody"  # in the audit log: not signed in

_NAVIGATION = "text/html"
_UPLOADS, _MEDIA = "/_stcore/upload_file/", "/media/"
_SIGNED_OUT = 10_000  # logins that were ended and are remembered
_ROOT = Path(__file__).parents[2]
_LOG = logging.getLogger("candor.door")


class Guard:
    """The app behind a door. One for each process; all its requests come in one thread."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app, self.door = app, door
        self.base = (config.get_option("server.baseUrlPath") or "").strip("/")
        self.sockets, self.opened, self.tabs = AtOnce(SOCKETS), Rate(OPENED), Tabs()
        self.uploads, self.refusals = Rate(UPLOADS), Rate(REFUSALS)
        self.seen: OrderedDict[tuple[str, float], bool] = OrderedDict()  # login -> False once it was ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection, or pass on what is neither."""
        if "headers" in scope:
            scope = {**scope, "headers": believed(self.door, scope["headers"])}
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, path = False, self._path(scope)

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = secured(self.door, list(message.get("headers", [])))
                names = {name.lower() for name, _ in given}
                own = [(k.lower().encode(), v.encode()) for k, v in headers_of(self.door, path).items()]
                kept = [pair for pair in given if pair[0].lower() not in _replaced(path)]
                added = [pair for pair in own if pair[0] not in names or pair[0] in _replaced(path)]
                message = {**message, "headers": kept + added}
            await send(message)

        try:
            refusal = self._refusal(scope, path)
            await (refusal or self.app)(scope, receive, dressed)
        except ClientDisconnect:
            pass
        except Exception as error:
            _note_failure(error)
            if not begun:  # else it cannot become another answer: the server cuts it off
                await _sentence(500, "This failed inside Candor itself; try again.")(scope, receive, dressed)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        visitor, reason = self._visitor(connection), ""
        who = visitor.subject if visitor else STRANGER
        if not is_host_allowed(connection.headers.get("host")):
            reason = "host"
        elif not may_pass(visitor):
            reason = "no role" if visitor else "not signed in"
        elif self.door.kind != OPEN and not self.opened.take(who):
            reason = "rate"
        elif self.door.kind != OPEN and not self.sockets.begin(who):
            reason = "too many tabs"
        if reason:
            self._refused(who, f"connection: {reason}")
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it was accepted: answered with 403
            return
        if self.door.kind == OPEN:
            await self.app(scope, receive, send)
            return
        login = visitor.subject, visitor.issued
        over = self.tabs.open(login, seconds_left(self.door, visitor))
        try:
            await self.app(scope, *ending(receive, send, over))
        finally:
            self.tabs.close(login, over)
            self.sockets.end(who)

    def _refusal(self, scope: Scope, path: str) -> Response | None:
        """Return the answer to what does not come through the door, None for what does."""
        connection, method = HTTPConnection(scope), scope["method"]
        if not is_host_allowed(connection.headers.get("host")):
            self._refused(STRANGER, "host")
            return _sentence(421, "This server is not called so; name it in server.allowedHosts to have it answer.")
        if path in HEALTH and method in ("GET", "HEAD"):
            return None
        visitor = self._visitor(connection)
        if self.door.kind == LOGIN and path in LOGIN_PATHS and method == "GET":
            return self._login(path, visitor)
        if not may_pass(visitor):
            self._refused(visitor.subject if visitor else STRANGER, "no role" if visitor else "not signed in")
            return self._turned_away(connection, method, visitor)
        if reason := self._not_theirs(path, method, visitor):
            self._refused(visitor.subject, reason)
            if reason == "rate":
                return _sentence(429, "These are too many uploads in a minute; wait a little.", {"Retry-After": "10"})
            return _sentence(403, "This belongs to somebody else, or your role may not see it.")
        return None

    def _login(self, path: str, visitor: Visitor | None) -> Response | None:
        if path == SIGN_IN:
            return RedirectResponse(generate_login_redirect_url("default"), 303, {"Cache-Control": "no-store"})
        if path == SIGN_OUT and visitor is not None:
            record("sign-out", visitor.subject)
            login = visitor.subject, visitor.issued
            self.seen[login] = False  # a copy of the cookie is worth nothing any more
            self.tabs.end(login)
        return None

    def _turned_away(self, connection: HTTPConnection, method: str, visitor: Visitor | None) -> Response:
        if method == "GET" and _NAVIGATION in connection.headers.get("accept", ""):
            own = self.door.kind == LOGIN
            if visitor is None:
                return sign_in_page(make_url_path(self.base, SIGN_IN) if own else "")
            return no_role_page(visitor.name, make_url_path(self.base, SIGN_OUT) if own else "")
        if visitor is None:
            return _sentence(401, "Sign in to use Candor.")
        return _sentence(403, "This account may not use Candor.")

    def _not_theirs(self, path: str, method: str, visitor: Visitor) -> str:
        """Return why this person may not have what a path names, "" where they may."""
        if self.door.kind == OPEN:
            return ""
        if path in ENGINEERS_ONLY and visitor.role != ENGINEER:
            return "for engineers"
        if path.startswith(_MEDIA) and not owns_media(visitor.subject, path.removeprefix(_MEDIA)):
            return "another session's file"
        if path.startswith(_UPLOADS) and method != "OPTIONS":
            if not owns_session(visitor.subject, path.removeprefix(_UPLOADS).partition("/")[0]):
                return "another session"
            if not self.uploads.take(visitor.subject):
                return "rate"
        return ""

    def _visitor(self, connection: HTTPConnection) -> Visitor | None:
        visitor = visitor_of(self.door, connection)
        if visitor is None or self.door.kind == OPEN:
            return visitor
        login = visitor.subject, visitor.issued
        if login not in self.seen:
            self.seen[login] = True
            record("sign-in", visitor.subject, reason=visitor.role)
            while len(self.seen) > _SIGNED_OUT:
                self.seen.popitem(last=False)
        return visitor if self.seen[login] else None

    def _refused(self, who: str, reason: str) -> None:
        if self.refusals.take(STRANGER):
            record("refusal", who, reason=reason)

    def _path(self, scope: Scope) -> str:
        """Return the path behind the app's base address, "" for one that is not below it.

        It is the path that Streamlit's routes match, decoded once: decoded again, it would be another's.
        """
        path, base = scope["path"], f"/{self.base}" if self.base else ""
        return path.removeprefix(base) if path.startswith(f"{base}/") else ""


def _replaced(path: str) -> tuple[bytes, ...]:
    return (b"cache-control",) if path.startswith(_MEDIA) else ()


def _sentence(status: int, text: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(f"{text}\n", status, {"Cache-Control": "no-store"} | (headers or {}))


def _note_failure(error: Exception) -> None:
    """Log the kind of an error and where it arose; its message could hold a patient's data."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT)] or frames
    _LOG.error("%s in %s, line %s", type(error).__name__, Path(ours[-1].filename).name, ours[-1].lineno)
