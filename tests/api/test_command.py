"""The command serves this machine alone unless there are tokens, and says how to change that."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from api.__main__ import main, require_tokens
from api.client import Client
from api.tokens import ANYBODY, SHORTEST, TOKENS, TokenError, read_tokens, user_of
from tests.api.servers import MODEL, SOON, scan_file

ROOT = Path(__file__).parents[2]
GOOD = ("0123456789abcdef0", "fedcba98765432100")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "candor.example.org"])
def test_another_address_needs_a_token_and_the_sentence_says_how(host, capsys, monkeypatch):
    monkeypatch.delenv(TOKENS, raising=False)
    assert main(["--host", host]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and "--tokens" in printed and TOKENS in printed and host in printed
    require_tokens(host, GOOD)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_this_machine_alone_needs_none(host):
    require_tokens(host, ())


def test_tokens_come_from_a_file_and_from_the_environment(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# of the archive\n{GOOD[0]}\n\n  {GOOD[0]}  \n")
    assert read_tokens(path, {}) == GOOD[:1]
    assert read_tokens(None, {TOKENS: f"{GOOD[0]}, {GOOD[1]}"}) == GOOD
    assert set(read_tokens(path, {TOKENS: GOOD[1]})) == set(GOOD)
    assert read_tokens(None, {}) == ()


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"short\n", b"a token with spaces in it\n", b"\xff\xfe", None]
)
def test_tokens_that_cannot_be_used_are_refused_in_one_line(content, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(TOKENS, raising=False)
    path = tmp_path / "tokens"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TokenError):
        read_tokens(path, {})
    assert main(["--tokens", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_token_stands_for_one_user_and_all_others_for_none():
    users = [user_of(f"Bearer {token}", GOOD) for token in GOOD]
    assert len(set(users)) == 2 and not any(token in user for token in GOOD for user in users)
    for header in ("", "Bearer", f"Basic {GOOD[0]}", f"Bearer {GOOD[0]}x", f"Bearer {GOOD[0][:SHORTEST]}", "Bearer ü"):
        assert user_of(header, GOOD) is None
    assert user_of("", ()) == ANYBODY


FAULTS = """
import asyncio, logging
from api.__main__ import _log_to_stderr
_log_to_stderr()
async def fail():
    raise RuntimeError("Muster^Erika")
async def main():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    facts = {"message": "It failed.", "task": task, "exception": task.exception()}
    asyncio.get_running_loop().call_exception_handler(facts)
    for name in ("candor.api", "uvicorn.error"):
        logging.getLogger(name).error("It failed.", exc_info=task.exception())
asyncio.run(main())
"""


def test_a_line_of_the_log_has_neither_a_traceback_nor_what_an_exception_says():
    printed = subprocess.run(
        [sys.executable, "-c", FAULTS], cwd=ROOT, capture_output=True, text=True, check=True
    ).stderr
    assert [line.partition("ERROR")[2] for line in printed.splitlines()] == [" It failed."] * 3


def taken() -> socket.socket:
    """Return a socket that listens on a free port of this machine."""
    return socket.create_server(("127.0.0.1", 0))


def test_an_address_that_cannot_be_served_is_refused_in_one_sentence(capsys):
    with taken() as other:
        port = other.getsockname()[1]
        for arguments, word in (
            (["--port", str(port)], "already in use"),
            (["--port", "99999"], "0-65535"),
            (["--host", "localhost", "--port", str(port)], "already in use"),
        ):
            assert main(arguments) == 2
            printed = capsys.readouterr().err
            assert printed.count("\n") == 1 and printed.startswith("error: ")
            assert arguments[-1] in printed and word in printed and "--port" in printed


@contextmanager
def command(port: int, log: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """Run the command until the end of the block; what it prints goes to a file."""
    arguments = [sys.executable, "-m", "api", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(arguments, cwd=ROOT, env=os.environ | environment, stdout=file, stderr=file)
        try:
            yield process
        finally:
            process.kill()
            process.wait(SOON)


def wait_for(client: Client) -> None:
    """Wait until the server answers."""
    until = monotonic() + SOON
    while monotonic() < until:
        try:
            client.health()
            return
        except httpx.TransportError:
            sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_and_stops_and_logs_no_more_than_routes(way, tiny_zoo, tmp_path):
    with taken() as free:
        port = free.getsockname()[1]
    log = tmp_path / "log"
    with command(port, log, CANDOR_ZOO=str(tiny_zoo), **{TOKENS: GOOD[0]}) as process:
        with Client(f"http://127.0.0.1:{port}", GOOD[0]) as client:
            wait_for(client)
            assert f"http://127.0.0.1:{port}/" in log.read_text()
            assert client.predict(scan_file(), MODEL, anyway=True).model == MODEL
        process.send_signal(way)
        assert process.wait(SOON) == (0 if way == signal.SIGINT else -signal.SIGTERM)
    text = log.read_text()
    assert "POST /api/v1/predict: 200" in text and text.count("Candor's API: ") == 1
    assert "Traceback" not in text and "Error" not in text and GOOD[0] not in text


@pytest.mark.slow
def test_a_second_command_on_a_port_that_is_taken_ends_with_one_sentence_and_no_address(tmp_path):
    with taken() as other:
        port = other.getsockname()[1]
        with command(port, tmp_path / "log") as process:
            assert process.wait(SOON) == 2
    text = (tmp_path / "log").read_text().splitlines()
    assert [line for line in text if str(port) in line] == text[-1:] and text[-1].startswith("error: ")
