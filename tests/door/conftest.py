"""A server of the app with a login, shared by the tests of a file."""

import pytest

from tests.door.servers import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Server:
    """The app behind a login."""
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server
