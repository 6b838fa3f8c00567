"""A connection to a DICOMweb server, and one sentence for whatever goes wrong with it.

Every answer is read within bounds of bytes and of time, whatever the server claims: a PACS is trusted no more than a
file. What the server says of an error is never shown: it could name the patient.
"""

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import requests
from dicomweb_client.api import DICOMwebClient
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from dicomweb.server import ADDRESS, PASSWORD, USER, PacsError, Server

_PART = 65_536  # bytes read at a time
_TICK = 0.1  # seconds between two looks at the clock
_ANY_DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'  # as stored: nothing is recompressed


@contextmanager
def connected(
    server: Server, most_bytes: int, *, files: bool = False, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[DICOMwebClient]:
    """Give a client of `server` whose answers have at most `most_bytes`; with `files` it gets DICOM files as bytes.

    Raises PacsError for all that can go wrong within, and soon after `cancelled()` is True; it is asked in a thread.
    """
    bounds = _Bounds(server, most_bytes, cancelled)
    session = requests.Session()
    session.trust_env = False  # no password of another program's file, no proxy
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.auth = _Login(server, files)
    for scheme in ("http://", "https://"):
        session.mount(scheme, bounds)
    try:
        client = DICOMwebClient(
            server.address,
            session=session,
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
        raise PacsError(bounds.over or _failure(server, error)) from None
    finally:
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


class _Bounds(HTTPAdapter):
    """Sends the requests, within bounds of bytes and of time, and to no other address than that of the server.

    A thread shuts the sockets down once the time since a request was sent is over, or once it is cancelled: wherever
    the request is then, be it in a header that never ends. `over` is the sentence that says so, "" until then.
    """

    def __init__(self, server: Server, most_bytes: int, cancelled: Callable[[], bool]) -> None:
        super().__init__()
        self._server, self._most, self._left, self._cancelled = server, most_bytes, most_bytes, cancelled
        self._sockets: list[socket.socket] = []
        self._answers: list[requests.Response] = []
        self._until, self._closed, self.over = math.inf, threading.Event(), ""
        threading.Thread(target=self._watch, daemon=True).start()

    def get_connection_with_tls_context(self, *args, **options) -> HTTPConnectionPool:
        """Return connections that keep their sockets here."""
        pool = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _keeping(type(pool).ConnectionCls, self._sockets)
        return pool

    def send(self, *args, **options) -> requests.Response:
        """Send a request, and return its answer with a body that is bounded. Raises PacsError, also on a redirect."""
        self._until = time.monotonic() + self._server.whole_seconds
        response = super().send(*args, **options)
        self._answers.append(response)
        if 300 <= response.status_code < 400:  # followed, it could lead into the hospital, or take results elsewhere
            raise PacsError(_redirect(self._server, response.status_code))
        response.iter_content = self._bounded(response.iter_content)
        kind, _, parameters = response.headers.get("Content-Type", "").partition(";")
        if parameters and not kind.startswith("multipart"):  # the library knows no `charset=utf-8`, and reads nothing
            response.headers["Content-Type"] = kind.strip()
        return response

    def close(self) -> None:
        """End the thread, and close the answers: one that was given up still has its socket."""
        self._closed.set()
        for response in self._answers:
            response.close()
        super().close()

    def _bounded(self, read: Callable[[int], Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        def bounded(*_, **__) -> Iterator[bytes]:
            for part in read(_PART):
                self._left -= len(part)
                if self._left < 0:
                    raise PacsError(
                        f"{self._server.name} sends more than the {self._most / 1e6:.0f} MB that are accepted; choose "
                        "a smaller series."
                    )
                yield part
            if self.over:  # the end of what was shut down looks like the end of the answer
                raise PacsError(self.over)

        return bounded

    def _watch(self) -> None:
        while not self._closed.wait(_TICK):
            if not self.over and self._cancelled():
                self.over = "This was stopped before all of it had come."
            if not self.over and time.monotonic() > self._until:
                self.over = _timeout(self._server)
            for each in list(self._sockets) if self.over else ():  # again and again: another may be opened meanwhile
                with suppress(OSError):  # of one that ended by itself
                    # Not each.shutdown(): of TLS it lets go of the encryption first, and what is being sent goes on.
                    socket.socket.shutdown(each, socket.SHUT_RDWR)


def _keeping(kind: type[HTTPConnection], sockets: list[socket.socket]) -> type[HTTPConnection]:
    """Return a class of connections that puts its sockets into a list once they are open."""

    class Keeping(kind):
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    return Keeping


def _refusal(server: Server, status: int) -> str:
    if status in (401, 403):
        return f"{server.name} refuses the login ({status}); check {USER} and {PASSWORD}."
    if status == 404:
        return f"{server.name} has no such series, or no DICOMweb at this address (404); check {ADDRESS}."
    if status == 413:
        return f"{server.name} refuses results of this size (413); ask its administrator for more room."
    return f"{server.name} could not do what it was asked for ({status}); try again later or ask its administrator."


def _redirect(server: Server, status: int) -> str:
    return f"{server.name} sends Candor on to another address ({status}), which is not followed; check {ADDRESS}."


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
