"""The app's process: killed and started again, beside idle sessions, a hanging upload and a slow TensorFlow."""

import asyncio
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from benchmarks.streamlit_client import User
from tests.faults.app_server import children_of, healthy, memory_of, running_app

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]
IDLE = 20
MB = 2**20


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator:
    """A running app that nobody has used."""
    with running_app(tmp_path_factory.mktemp("app")) as server:
        yield server


@contextmanager
def opened(port: int) -> Iterator[ClientConnection]:
    """Open a session as a browser does, ask for its page, and close it when the block ends."""
    address, origin = f"ws://localhost:{port}/_stcore/stream", f"http://localhost:{port}"
    with connect(address, origin=origin, subprotocols=["streamlit"], max_size=200 * MB) as connection:
        message = BackMsg()
        message.rerun_script.query_string = ""
        connection.send(message.SerializeToString())
        yield connection


def page_of(connection: ClientConnection) -> int:
    """Return how many elements the page sends until its script is over."""
    elements = 0
    while True:
        message = ForwardMsg.FromString(connection.recv(timeout=120))
        elements += message.WhichOneof("type") == "delta"
        if message.WhichOneof("type") == "script_finished":
            return elements


def read_the_page(port: int) -> float:
    """Open a session, read its page whole and close it; return how many seconds that took."""
    started = time.monotonic()
    with opened(port) as connection:
        assert page_of(connection) > 3
    return time.monotonic() - started


def settled_memory(pid: int) -> int:
    """The memory of the app, in bytes, once its warm-up is over: TensorFlow and a model are loaded by then."""
    last, calm = memory_of(pid), 0
    for _ in range(120):
        time.sleep(1)
        now = memory_of(pid)
        calm = calm + 1 if now > 500 * MB and abs(now - last) < 2 * MB else 0
        last = now
        if calm == 5:
            break
    return last


def test_twenty_sessions_that_do_nothing_cost_little_and_a_new_one_is_answered(app):
    read_the_page(app.port)
    before = settled_memory(app.process.pid)
    with ExitStack() as stack:
        idle = [stack.enter_context(opened(app.port)) for _ in range(IDLE)]
        assert min(map(page_of, idle)) > 3
        assert memory_of(app.process.pid) - before < 100 * MB
        assert read_the_page(app.port) < 30


def test_an_upload_that_hangs_half_way_holds_up_nobody(app):
    with socket.create_connection(("localhost", app.port)) as half:
        head = "PUT /_stcore/upload_file/none/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        half.sendall(head.encode() + b"x" * 500_000)

        read_the_page(app.port)
        assert healthy(app.port)
    assert healthy(app.port)


def test_a_click_whose_fragment_is_gone_is_answered(app):
    async def picture() -> bytes:
        user, button = User(f"http://localhost:{app.port}/", "sample=phantom-2"), "Picture (PNG)"
        await user.open()
        await user.wait(lambda: button in user.downloads())
        user.elements = {path: (element, "gone") for path, (element, _) in user.elements.items()}
        async with asyncio.timeout(60):
            data = await user.download(button)
        await user.close()
        return data

    assert asyncio.run(picture()).startswith(b"\x89PNG")


def test_a_killed_app_leaves_no_process_and_starts_again_on_its_port(tmp_path):
    with running_app(tmp_path / "first") as server:
        read_the_page(server.port)
        children = children_of(server.process.pid)
        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{pid}/exe").exists() for pid in children) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [pid for pid in children if Path(f"/proc/{pid}/exe").exists()] == []
    with running_app(tmp_path / "second", port=server.port) as again:
        read_the_page(again.port)


def test_the_page_is_there_while_tensorflow_is_still_importing(tmp_path):
    """TensorFlow takes a minute: the page does not wait for it."""
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(
        "import importlib.machinery, sys, time\n"
        "class Slow:\n"
        "    def find_spec(name, path, target=None):\n"
        "        if name == 'tensorflow':\n"
        "            spec = importlib.machinery.PathFinder.find_spec(name, path)\n"
        "            run = spec.loader.exec_module\n"
        "            spec.loader.exec_module = lambda module: (time.sleep(60), run(module))\n"
        "            return spec\n"
        "sys.meta_path.insert(0, Slow)\n"
    )
    with running_app(tmp_path / "app", path=slow) as server:
        assert read_the_page(server.port) < 45
