"""The DICOMweb server that is configured: its address, the login and the limits of time."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ADDRESS, USER, PASSWORD = SETTINGS = ("CANDOR_DICOMWEB", "CANDOR_DICOMWEB_USER", "CANDOR_DICOMWEB_PASSWORD")
CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0  # without a sign of the server
WHOLE_SECONDS = 120.0  # for an answer as a whole: one that drips would pass the other limits


class PacsError(ValueError):
    """What went wrong with a PACS, in one sentence for the user: what was seen, and what to do."""


@dataclass(frozen=True)
class Server:
    """A DICOMweb server: its address, the user and the limits of time in seconds."""

    address: str
    user: str = ""
    password: str = field(default="", repr=False)
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    whole_seconds: float = WHOLE_SECONDS

    @property
    def name(self) -> str:
        """Its host and port, as they are shown."""
        return urlsplit(self.address).netloc


def server_from(settings: Mapping[str, str] = os.environ) -> Server | None:
    """Return the server that `SETTINGS` name, None where no address is set.

    Raises PacsError where the address is none, or holds a password.

    >>> server_from({"CANDOR_DICOMWEB": "https://pacs.example.org/dicom-web/"}).name
    'pacs.example.org'
    """
    address = settings.get(ADDRESS, "").strip().rstrip("/")
    if not address:
        return None
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise PacsError(f"{ADDRESS} is no address of a DICOMweb server; set it to one such as https://HOST/dicom-web.")
    if parts.username or parts.password:
        raise PacsError(f"{ADDRESS} holds a user or a password; set {USER} and {PASSWORD} instead.")
    return Server(address, settings.get(USER, ""), settings.get(PASSWORD, ""))
