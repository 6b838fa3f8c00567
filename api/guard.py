"""What stands before every route: the host, the origin, the token, and the number of requests; headers and the log.

It is the outermost part of the app: whatever fails behind it is answered here, and every answer passes through it.
"""

import logging
from collections.abc import Iterator
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import SOON, Problem, problem_of
from api.service import Service
from api.tokens import user_of
from explain.audit import record
from explain.rate import REFUSALS, Rate

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
GONE = 499  # in the counters: the client left before its answer

_REFUSED = (401, 403, 421)
_PIECE = 65_536  # bytes of an answer that are written at once
_STRANGER = "nobody"  # in the audit log

_LOG = logging.getLogger("candor.api")


class Guard:
    """The app behind the checks of `service`; `open_paths` are answered without a token and at any load."""

    def __init__(self, app: ASGIApp, service: Service, open_paths: tuple[str, ...]) -> None:
        self.app, self.service, self.open_paths, self.under_way = app, service, open_paths, 0
        self.refusals = Rate(REFUSALS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is none."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), GONE

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = Headers(raw=message.get("headers", []))
                added = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items() if k not in own]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            for piece in _pieces(message):
                await send(piece)

        self.under_way += 1
        try:
            scope.setdefault("state", {})["user"] = self._admit(scope)
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception as error:
            if status == GONE:
                await problem_of(error).response()(scope, receive, answer)
            else:  # the answer has begun: it cannot become another
                problem_of(error)
        finally:
            self.under_way -= 1
            self._note(scope, status, perf_counter() - started)

    def _admit(self, scope: Scope) -> str:
        """Return who asks. Raises Problem: 503, 421, 403 or 401."""
        headers = Headers(scope=scope)
        open_to_all = scope["path"] in self.open_paths  # a server that is busy is alive
        if self.under_way > self.service.limits.requests and not open_to_all:
            raise Problem(
                503,
                f"{self.service.limits.requests} requests are being answered, as many as this server takes at once; "
                "try again in some seconds.",
                retry_after=SOON,
            )
        if _host(headers.get("host", "")) not in self.service.hosts:
            raise Problem(421, "This server is not called so; start it with --allow-host and the name that you use.")
        if self._from_elsewhere(scope["method"], headers):
            raise Problem(403, "This server takes no requests from other web sites; ask it from a program.")
        user = user_of(headers.get("authorization", ""), self.service.tokens)
        if user is None and not open_to_all:
            raise Problem(
                401,
                "A token is needed; send the header “Authorization: Bearer TOKEN” with one that this server was given.",
                headers={"WWW-Authenticate": 'Bearer realm="Candor"'},
            )
        return user or ""

    def _from_elsewhere(self, method: str, headers: Headers) -> bool:
        """Return whether a page of another site sent this, which a browser lets it; a link that is followed may."""
        if method == "GET" and headers.get("sec-fetch-mode") == "navigate":
            return False
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return True
        origin = headers.get("origin")
        return origin is not None and _host_of(origin) not in self.service.hosts

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The template of the path and no more: a path may hold anything, a name as well.
        route = getattr(scope.get("route"), "path", "")
        self.service.metrics.count(scope["method"], route, status, seconds)
        if status in _REFUSED and self.refusals.take(_STRANGER):
            record("refusal", scope.get("state", {}).get("user") or _STRANGER, reason=f"{status} {route}".strip())
        method = scope["method"] if route else "a request"
        _LOG.info("%s %s: %d in %.0f ms", method, route or "for no route", status, 1000 * seconds)


def _pieces(message: Message) -> Iterator[Message]:
    """Yield a message with its body in pieces: a client that does not read them keeps its place among the requests.

    Uvicorn waits for the client between two messages, and not within one.
    """
    body = memoryview(message.get("body", b""))
    last = max(len(body) - 1, 0) // _PIECE * _PIECE  # where the last piece begins
    for start in range(0, last, _PIECE):
        yield {"type": message["type"], "body": bytes(body[start : start + _PIECE]), "more_body": True}
    yield {**message, "body": bytes(body[last:])} if last else message


def _host_of(origin: str) -> str | None:
    """Return the name in an Origin header, lower case; None where it has none."""
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def _host(address: str) -> str:
    """Return the name in a Host header, without its port, lower case."""
    if address.startswith("["):
        return address[1:].partition("]")[0].lower()
    return address.partition(":")[0].lower()
