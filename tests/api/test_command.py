"""The command serves this machine alone unless there are tokens, and says how to change that."""

import os
import subprocess
import sys
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


@pytest.mark.slow
def test_the_command_serves_and_stops_and_logs_no_more_than_routes(tiny_zoo, tmp_path):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"CANDOR_ZOO": str(tiny_zoo), TOKENS: GOOD[0]}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "--port", str(port)], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            until = monotonic() + SOON
            with Client(f"http://127.0.0.1:{port}", GOOD[0]) as client:
                while monotonic() < until:
                    try:
                        client.health()
                        break
                    except httpx.TransportError:
                        sleep(0.1)
                assert client.predict(scan_file(), MODEL, anyway=True).model == MODEL
        finally:
            process.terminate()
            process.wait(SOON)
    text = (tmp_path / "log").read_text()
    assert "POST /api/v1/predict: 200" in text and f"127.0.0.1:{port}" in text
    assert "Traceback" not in text and GOOD[0] not in text
