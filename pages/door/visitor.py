"""Who stands at the door: the claims of a signed cookie, or of the headers of a trusted proxy."""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from explain.audit import LOCAL
from pages.door.settings import ENGINEER, LOGIN, NOBODY, OPEN, SUBJECT, Door

_FORWARDED = "FORWARDED_ALLOW_IPS"  # of the environment: from whom uvicorn takes X-Forwarded-For
_AHEAD = 300  # seconds that a provider's clock may be ahead of this one


@dataclass(frozen=True)
class Visitor:
    """Who uses the app. `subject` is what the audit log calls them; `issued` is when they signed in, s since 1970."""

    subject: str
    role: str
    name: str = ""
    issued: float = 0.0


HERE = Visitor(LOCAL, ENGINEER)  # whoever sits at this machine, where nobody has to sign in


def visitor_of(door: Door, connection: HTTPConnection, now: float | None = None) -> Visitor | None:
    """Return who sends a request, None where nobody is signed in. `now` is s since 1970."""
    if door.kind == OPEN:
        return HERE
    if door.kind == LOGIN:
        return _of_cookie(door, connection.cookies, time.time() if now is None else now)
    if not door.from_proxy(peer_of(connection)):
        return None
    return visitor_of_claims(door, claims_of_headers(door, connection.headers))


def peer_of(connection: HTTPConnection, environment: Mapping[str, str] = os.environ) -> str:
    """Return the address that a connection really comes from, "" where that cannot be told.

    For a connection from this machine, and from no other unless FORWARDED_ALLOW_IPS is set, the server has put the
    address of X-Forwarded-For in its place. Such an address has the port 0, or the port that stood in that header.
    """
    if connection.client is None:
        return ""
    host, port = connection.client
    if port == 0:
        return "" if _FORWARDED in environment else "127.0.0.1"
    named = [part.strip() for value in connection.headers.getlist("x-forwarded-for") for part in value.split(",")]
    return "" if {f"{host}:{port}", f"[{host}]:{port}"} & set(named) else host


def visitor_of_claims(door: Door, claims: Mapping[str, object], now: float | None = None) -> Visitor | None:
    """Return whom claims describe, None where they name no subject, or the login was longer ago than it holds."""
    subject, issued = claims.get(SUBJECT), 0.0
    if not isinstance(subject, str) or not subject.strip():
        return None
    if door.kind == LOGIN:
        issued, now = claims.get("iat"), time.time() if now is None else now
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            return None
        if not now - 3600 * door.hours < issued <= now + _AHEAD:
            return None
    shown = (claims.get(key) for key in ("name", "email", SUBJECT))
    name = next(each for each in shown if isinstance(each, str) and each.strip())
    return Visitor(subject.strip(), door.role_of(claims), name.strip(), float(issued))


def claims_of_headers(door: Door, headers: Headers) -> dict[str, object]:
    """Return the claims in the proxy's headers."""
    return {claim: headers[name] for name, claim in door.headers if name in headers}


def believed(door: Door, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return headers without those of the proxy that come twice, for one may be the visitor's own.

    They are left out for all that stands behind the guard: Streamlit gives a page the first of them.
    """
    counts = Counter(name.lower() for name, _ in headers)
    doubtful = {name.encode() for name, _ in door.headers if counts[name.encode()] > 1}
    return [pair for pair in headers if pair[0].lower() not in doubtful]


def seconds_left(door: Door, visitor: Visitor) -> float | None:
    """Return how long a login still holds, None where that is the proxy's to know."""
    return visitor.issued + 3600 * door.hours - time.time() if door.kind == LOGIN else None


def may_pass(visitor: Visitor | None) -> bool:
    """Return whether somebody is signed in and has a role."""
    return visitor is not None and visitor.role != NOBODY


def _of_cookie(door: Door, cookies: Mapping[str, str], now: float) -> Visitor | None:
    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(secret, name, value.encode("latin-1", "replace"))

    try:
        claims = json.loads(get_cookie_with_chunks(signed, USER_COOKIE_NAME) or "null")
    except (ValueError, TypeError):
        return None
    if not isinstance(claims, dict) or claims.get("origin") != door.origin or claims.get("is_logged_in") is not True:
        return None
    return visitor_of_claims(door, claims, now)
