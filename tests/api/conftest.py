"""A server of the tiny model, shared by the tests of a file."""

import pytest

from api.client import Client
from api.service import Service
from explain.cache import CACHE
from tests.api.servers import Server, Slow, in_zoo, running


@pytest.fixture(scope="module")
def server(tiny_zoo) -> Server:
    """A server with the limits that ship, and without tokens."""
    with in_zoo(tiny_zoo), running(Service()) as server:
        yield server


@pytest.fixture(scope="module")
def client(server) -> Client:
    """Its client."""
    with server.client() as client:
        yield client


@pytest.fixture
def empty_cache():
    """No explanation is kept when a test begins, and none of its own when it ends."""
    CACHE.clear()
    yield CACHE
    CACHE.clear()


@pytest.fixture
def slow(empty_cache, monkeypatch) -> Slow:
    """Every explanation takes until the test lets it go."""
    slow = Slow(monkeypatch)
    yield slow
    slow.go.set()
