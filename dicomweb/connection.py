"""A connection to a DICOMweb server, and one sentence for whatever goes wrong with it.

Every answer is read within bounds of bytes and of time, whatever the server claims: a PACS is trusted no more than a
file. What the server says of an error is never shown: it could name the patient.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import requests
from dicomweb_client.api import DICOMwebClient
from requests.auth import HTTPBasicAuth

from dicomweb.server import ADDRESS, PASSWORD, USER, PacsError, Server

_PART = 65_536  # bytes read at a time
_ANY_DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'  # as stored: nothing is recompressed


@contextmanager
def connected(
    server: Server, most_bytes: int, *, files: bool = False, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[DICOMwebClient]:
    """Give a client of `server` whose answers have at most `most_bytes`; with `files` it gets DICOM files as bytes.

    Raises PacsError for all that can go wrong within, and once `cancelled()` is True.
    """
    late = threading.Event()
    bounds = _Bounds(server, most_bytes, late, cancelled)
    session = requests.Session()
    session.trust_env = False  # no password of another program's file, no proxy
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.auth = _Login(server, files)
    try:
        client = DICOMwebClient(
            server.address,
            session=session,
            callback=bounds,
            timeout=(server.connect_seconds, server.read_seconds),
            chunk_size=_PART,
        )
        client.set_http_retry_params(retry=False)
        yield client
    except PacsError:
        raise
    except requests.HTTPError as error:
        raise PacsError(_refusal(server, error.response.status_code)) from None
    except Exception as error:  # the library fails in many ways over an answer that is none
        raise PacsError(_timeout(server) if late.is_set() else _failure(server, error)) from None
    finally:
        bounds.stop()
        session.close()


class _Login(HTTPBasicAuth):
    """The login, where there is one, and the kind of answer that is wanted.

    Where the library hands out bytes it asks for any type, which servers refuse; where it asks for DICOM it parses the
    files in this process, not in the sandbox.
    """

    def __init__(self, server: Server, files: bool) -> None:
        super().__init__(server.user.encode(), server.password.encode())  # else Latin-1, which has no €
        self._files = files

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._files:
            request.headers["Accept"] = _ANY_DICOM
        elif request.headers.get("Accept") in (None, "*/*"):  # of a result that is sent
            request.headers["Accept"] = "application/dicom+json"
        request.headers["Accept-Encoding"] = "identity"
        return super().__call__(request) if self.username else request


class _Bounds:
    """Called with each response before its body is read: counts its bytes, and shuts it down once its time is over."""

    def __init__(self, server: Server, most_bytes: int, late: threading.Event, cancelled: Callable[[], bool]) -> None:
        self._server, self._left, self._late, self._cancelled = server, most_bytes, late, cancelled
        self._most = most_bytes
        self._open: list[tuple[threading.Timer, requests.Response]] = []

    def __call__(self, response: requests.Response, *_, **__) -> None:
        def shut_down() -> None:
            self._late.set()
            with suppress(Exception):  # of an answer that ended at this moment
                response.raw.shutdown()

        clock = threading.Timer(self._server.whole_seconds, shut_down)
        clock.daemon = True
        clock.start()
        self._open.append((clock, response))
        read = response.iter_content

        def bounded(*_, **__) -> Iterator[bytes]:
            for part in read(_PART):
                self._left -= len(part)
                if self._cancelled():
                    raise PacsError("This was stopped before all of it had come.")
                if self._left < 0:
                    raise PacsError(
                        f"{self._server.name} sends more than the {self._most / 1e6:.0f} MB that are accepted; choose "
                        "a smaller series."
                    )
                yield part

        response.iter_content = bounded
        kind, _, parameters = response.headers.get("Content-Type", "").partition(";")
        if parameters and not kind.startswith("multipart"):  # the library knows no `charset=utf-8`, and reads nothing
            response.headers["Content-Type"] = kind.strip()

    def stop(self) -> None:
        """Stop the clocks, and close the answers: one that was given up still has its socket."""
        for clock, response in self._open:
            clock.cancel()
            response.close()


def _refusal(server: Server, status: int) -> str:
    if status in (401, 403):
        return f"{server.name} refuses the login ({status}); check {USER} and {PASSWORD}."
    if status == 404:
        return f"{server.name} has no such series, or no DICOMweb at this address (404); check {ADDRESS}."
    if status == 413:
        return f"{server.name} refuses results of this size (413); ask its administrator for more room."
    return f"{server.name} could not do what it was asked for ({status}); try again later or ask its administrator."


def _timeout(server: Server) -> str:
    return f"{server.name} did not answer in time; try again later, or check {ADDRESS}."


def _failure(server: Server, error: Exception) -> str:
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return _timeout(server)
    if isinstance(error, requests.exceptions.SSLError):
        return f"The certificate of {server.name} cannot be checked, so nothing was sent; ask its administrator."
    if isinstance(error, requests.ConnectionError):
        return f"{server.name} cannot be reached or broke off; check {ADDRESS} and the network."
    return f"{server.name} answers, but not as a DICOMweb server does; check {ADDRESS}."
