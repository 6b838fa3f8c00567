"""How the door is set: open on this machine, with a login of its own, or behind a proxy that has one.

The login is Streamlit's: the section `auth` of `.streamlit/secrets.toml`. Which claim makes whom what stands in the
section `candor` beside it. Both can come from the environment instead. docs/security.md has examples.
"""

import ipaddress
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

OPEN, LOGIN, PROXY = "open", "login", "proxy"
DOOR = "CANDOR_DOOR"  # of the environment: "open" lets the app serve other machines without a login
ENGINEER, USER, NOBODY = "engineer", "user", "nobody"  # the roles
ANYBODY = "*"  # among the groups of a role: whoever signs in
SUBJECT = "sub"

_ENVIRONMENT = {  # variable -> section and key; with _FILE behind its name, the value is in that file
    "CANDOR_AUTH_REDIRECT_URI": ("auth", "redirect_uri"),
    "CANDOR_AUTH_COOKIE_SECRET": ("auth", "cookie_secret"),
    "CANDOR_AUTH_CLIENT_ID": ("auth", "client_id"),
    "CANDOR_AUTH_CLIENT_SECRET": ("auth", "client_secret"),
    "CANDOR_AUTH_SERVER_METADATA_URL": ("auth", "server_metadata_url"),
    "CANDOR_CLAIM": ("candor", "claim"),
    "CANDOR_ENGINEERS": ("candor", "engineer"),
    "CANDOR_USERS": ("candor", "user"),
    "CANDOR_LOGIN_HOURS": ("candor", "hours"),
    "CANDOR_PROXIES": ("candor", "proxies"),
}
_NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_LISTS = ("engineer", "user", "proxies")
_OWN = ("claim", *_LISTS, "hours")
_SHORTEST = 32  # characters of the secret that signs the cookies


class DoorError(ValueError):
    """A door that cannot be set so; the sentence says why and what to do."""


@dataclass(frozen=True)
class Door:
    """What stands before the app. `kind` is OPEN, LOGIN or PROXY.

    `claim` of a user names their groups; `engineers` and `users` are the groups of these roles. A login holds for
    `hours`. `origin` is the address that browsers know the app by, "" unless LOGIN. With PROXY the app takes `headers`
    (header -> claim) from `proxies` alone, the networks of the proxy.
    """

    kind: str = OPEN
    origin: str = ""
    claim: str = "groups"
    engineers: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    hours: float = 12.0
    headers: tuple[tuple[str, str], ...] = ()
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def role_of(self, claims: Mapping[str, object]) -> str:
        """Return the role that a user's claims give: the highest that one of their groups has."""
        if self.kind == OPEN:
            return ENGINEER
        groups = _words(claims.get(self.claim))
        for role, having in ((ENGINEER, self.engineers), (USER, self.users)):
            if ANYBODY in having or groups & having:
                return role
        return NOBODY

    def from_proxy(self, address: str) -> bool:
        """Return whether a connection comes from the proxy."""
        try:
            peer = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer in network for network in self.proxies)


def environment_secrets(environment: Mapping[str, str] = os.environ) -> dict[str, dict[str, object]]:
    """Return the sections of the secrets that the environment gives. Raises DoorError on a file that is not there."""
    found: dict[str, dict[str, object]] = {}
    for name, (section, key) in _ENVIRONMENT.items():
        value = environment.get(name, "")
        if path := environment.get(f"{name}_FILE", ""):
            try:
                value = Path(path).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise DoorError(f"the file of {name}_FILE cannot be read; give a text file with the value") from None
        if value := value.strip():
            found.setdefault(section, {})[key] = value
    return found


def door_of(secrets: Mapping, trusted_headers: Mapping[str, str] | None) -> Door:
    """Return the door that secrets and Streamlit's `server.trustedUserHeaders` describe. Raises DoorError."""
    auth, own = secrets.get("auth"), secrets.get("candor")
    if auth is None and not trusted_headers:
        if own:
            raise DoorError(
                "roles are set in the section [candor] of the secrets or by the environment, and nobody signs in: "
                "all would be engineers; set a login or trusted headers as docs/security.md says, or remove the roles"
            )
        return Door()
    own = _own(own if isinstance(own, Mapping) else {})
    if trusted_headers:
        if auth is not None:
            raise DoorError("both a login and trusted headers are set; keep [auth] or server.trustedUserHeaders")
        if SUBJECT not in trusted_headers.values():
            raise DoorError(f'server.trustedUserHeaders names no header as "{SUBJECT}"; map the user’s to it')
        own.setdefault("proxies", (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")))
        return Door(PROXY, headers=tuple((name.lower(), claim) for name, claim in trusted_headers.items()), **own)
    if not isinstance(auth, Mapping) or (missing := [key for key in _NEEDED if not auth.get(key)]):
        names = ", ".join(missing) if isinstance(auth, Mapping) else "everything"
        raise DoorError(f"the section [auth] of the secrets lacks {names}; docs/security.md has an example")
    if len(str(auth["cookie_secret"])) < _SHORTEST:
        raise DoorError(
            f"cookie_secret in [auth] has fewer than {_SHORTEST} characters; `openssl rand -hex 32` makes one"
        )
    address = urlsplit(str(auth["redirect_uri"]))
    if address.scheme not in ("http", "https") or not address.hostname or not address.path.endswith("/oauth2callback"):
        raise DoorError("redirect_uri in [auth] is no address of this app; give https://NAME/oauth2callback")
    return Door(LOGIN, origin=f"{address.scheme}://{address.netloc}", **own)


def with_environment(secrets: Mapping, given: Mapping[str, Mapping]) -> dict[str, object]:
    """Return the secrets of the file with what the environment gives: a login whole, of [candor] each key."""
    own = secrets.get("candor")
    merged = {"candor": {**own, **given["candor"]}} if isinstance(own, Mapping) and "candor" in given else {}
    return {**secrets, **given, **merged}


def require_door(address: str, door: Door, environment: Mapping[str, str] = os.environ) -> None:
    """Raise DoorError where other machines could reach the address, and nobody has to sign in."""
    if door.kind != OPEN or only_this_machine(address) or environment.get(DOOR) == OPEN:
        return
    raise DoorError(
        f"other machines can reach {address or 'every address of this one'}, and nobody has to sign in; configure a "
        f"login as docs/security.md says, set {DOOR}={OPEN} if whoever reaches it may use it, or leave "
        "--server.address out to serve this machine alone"
    )


def only_this_machine(address: str) -> bool:
    """Return whether an address to listen at can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def _own(section: Mapping) -> dict:
    if unknown := sorted(set(section) - set(_OWN)):
        raise DoorError(f"the section [candor] of the secrets has {unknown[0]!r}; it takes {', '.join(_OWN)}")
    found: dict = {"engineers": _words(section.get("engineer")), "users": _words(section.get("user"))}
    if not found["engineers"] | found["users"]:
        raise DoorError(
            "no group may use the app; name groups of users as user and engineer in the section [candor] of the "
            f'secrets, or user = ["{ANYBODY}"] for whoever signs in'
        )
    if "claim" in section:
        found["claim"] = str(section["claim"])
    if "hours" in section:
        try:
            found["hours"] = float(section["hours"])
        except (TypeError, ValueError):
            found["hours"] = math.nan
        if not 0 < found["hours"] <= 720:
            raise DoorError("hours in the section [candor] is no number of hours above 0 and up to 720")
    if "proxies" in section:
        try:
            found["proxies"] = tuple(ipaddress.ip_network(each) for each in sorted(_words(section["proxies"])))
        except ValueError:
            raise DoorError('proxies in the section [candor] are no networks; write them as "10.89.0.0/24"') from None
    return found


def _words(value: object) -> frozenset[str]:
    """Return the groups that a claim or a setting names: a list, or a text with commas in between."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        return frozenset()
    return frozenset(each.strip() for each in value if isinstance(each, str) and each.strip())
