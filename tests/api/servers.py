"""Real servers on free ports of this machine, in a thread of the test, and what tests send them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic, sleep

import pytest
import uvicorn

from api.__main__ import config_of
from api.client import ApiError, Client
from api.service import Service
from explain import Cancelled, cache, explain
from model_zoo import gate
from tests.conftest import OpenGate
from tests.good_files import disc, png

MODEL = "tiny-phantom4"
SOON = 60  # seconds: far more than anything here takes


@dataclass(frozen=True, eq=False)
class Server:
    """A server that runs: its service and where it is."""

    service: Service
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str = "") -> Client:
        return Client(self.url, token)


@contextmanager
def running(service: Service) -> Iterator[Server]:
    """Run a server until the end of the block."""
    server = uvicorn.Server(config_of(service, "127.0.0.1", 0))
    thread = Thread(target=server.run, name="server")
    thread.start()
    try:
        until = monotonic() + SOON
        while not server.started and monotonic() < until:
            sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        service.warm.join(SOON)
        yield Server(service, port)
    finally:
        server.should_exit = True
        thread.join(SOON)
        while not service.queue.idle:
            sleep(0.01)


@contextmanager
def in_zoo(folder) -> Iterator[None]:
    """Let this be the zoo, and every picture pass the gate: what the fixtures of single tests do, for a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(folder))
        patch.setattr(gate, "_seen", {})
        patch.setattr(gate, "load_gate", OpenGate)
        yield


class Slow:
    """Stands in for `explain`: keeps the requests, and ends when let go or cancelled."""

    def __init__(self, monkeypatch):
        self.requests, self.go, self.begun, self.cancelled = [], Event(), Event(), Event()
        monkeypatch.setattr(cache, "explain", self)

    def __call__(self, request, *, progress, cancelled):
        self.requests.append(request)
        progress(0.45)
        self.begun.set()
        while not self.go.wait(0.01):
            if cancelled():
                self.cancelled.set()
                raise Cancelled
        return explain(request, progress=progress, cancelled=cancelled)


def scan_file(number: int = 0) -> bytes:
    """Return a picture of 64 x 64 pixels, another one for each number."""
    return png(disc() * (1 - number / 50))


def refused(call, *arguments, **options) -> ApiError:
    """Return the error that a call raises."""
    with pytest.raises(ApiError) as caught:
        call(*arguments, **options)
    return caught.value


def answer_to(port: int, *parts: bytes, pause: float = 0.0, timeout: float = SOON) -> bytes:
    """Send some bytes, with a pause between the parts, and return all that the server says until it closes."""
    received, late = bytearray(), []
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:

        def listen() -> None:
            try:
                while data := connection.recv(65_536):
                    received.extend(data)
            except TimeoutError:
                late.append(True)
            except OSError:
                pass  # closed while bytes were on their way: what came before counts

        ear = threading.Thread(target=listen)
        ear.start()
        try:
            for part in parts:
                connection.sendall(part)
                if pause:
                    sleep(pause)
        except OSError:
            pass
        ear.join(timeout)
        assert not ear.is_alive() and not late, "the server keeps the connection open"
    return bytes(received)
