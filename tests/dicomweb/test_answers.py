"""What a server may answer that is none, or lies, or never ends: one sentence each, within bytes and time."""

import io
import json
import time
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread, Timer

import pytest
from pydicom import dcmread

from dicomweb import PacsError, Series, Server, transfer
from dicomweb.connection import connected
from dicomweb.transfer import MAX_SERIES, fetch_series, find_series, send
from explain.report.structured_report import structured_report
from tests.explain.report.conftest import report_of
from tests.good_files import dicom12, disc

PATIENT = "Muster^Erika"
SERIES = Series("1.2.3", "1.2.3.4", "20260102", "MR", "1", "T1", 0)
ENTRY = {
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": PATIENT}]},
    "00201209": {"vr": "IS", "Value": [2]},
}
ASKS = {
    "find": lambda server: find_series(server, accession="A7"),
    "fetch": lambda server: fetch_series(server, SERIES),
    "send": lambda server: send(server, [structured_report(report_of(), None)]),
}


def multipart(*parts: bytes, boundary: str = "xyz") -> tuple[str, bytes]:
    """Return the content type and the body of an answer with several files."""
    body = b"".join(b"--xyz\r\nContent-Type: application/dicom\r\n\r\n" + part + b"\r\n" for part in parts)
    return f'multipart/related; type="application/dicom"; boundary={boundary}', body + b"--xyz--\r\n"


@contextmanager
def answering(
    status: int = 200,
    kind: str = "application/dicom+json",
    body: bytes = b"",
    drip: float = 0.0,
    location: str = "",
    endless: str = "body",
):
    """Give a server that answers everything so; with `drip` a byte comes each so many seconds, without an end.

    `endless` says where: in the "body", or in a "header" before it. `location` is where it sends the client on to.
    """
    over, asked = Event(), []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(dict(self.headers))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if location:
                self.send_header("Location", location)
            if not drip:
                self.send_header("Content-Length", str(len(body)))
            if endless == "header":
                self.flush_headers()
                self.wfile.write(b"X-Endless: ")
            else:
                self.end_headers()
                self.wfile.write(body)
            while drip and not over.wait(drip):
                self.wfile.write(b"x")
                self.wfile.flush()

        do_GET = do_POST = answer

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # the client broke off, as it should
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}/dicom-web", read_seconds=5, whole_seconds=1), asked
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (500, "text/html", f"<b>{PATIENT}</b>".encode()),
        (403, "text/plain", PATIENT.encode()),
        (200, "text/html", f"<b>{PATIENT}</b>".encode()),
        (200, "application/dicom+json", f'{{"broken": "{PATIENT}'.encode()),
        (200, "application/dicom+json", b'["a", 7, null]'),
        (200, "application/dicom+json", b"7"),
        (200, "multipart/related", PATIENT.encode()),
        (200, "multipart/related; boundary=q", PATIENT.encode()),
        (200, "", b""),
    ],
)
def test_an_answer_that_is_none_is_one_sentence_that_quotes_nothing_of_it(ask, status, kind, body):
    with answering(status, kind, body) as (server, _), pytest.raises(PacsError) as error:
        ASKS[ask](server)
    sentence = str(error.value)
    assert PATIENT not in sentence and "\n" not in sentence and sentence.endswith(".")


@pytest.mark.parametrize("endless", ["header", "body"])
@pytest.mark.parametrize("ask", ASKS)
def test_an_answer_that_drips_for_ever_is_broken_off(ask, endless):
    kind = multipart()[0] if ask == "fetch" else "application/dicom+json"
    with answering(kind=kind, drip=0.05, endless=endless) as (server, _):
        started = time.monotonic()
        with pytest.raises(PacsError, match="in time"):
            ASKS[ask](server)
        assert time.monotonic() - started < 4


@pytest.mark.parametrize(("endless", "drip"), [("header", 0.05), ("body", 0.05), ("header", 60), ("body", 60)])
def test_a_fetch_is_stopped_wherever_its_answer_is(endless, drip):
    stopped = Event()
    with answering(kind=multipart()[0], drip=drip, endless=endless) as (server, _):
        started = time.monotonic()
        Timer(0.5, stopped.set).start()
        with pytest.raises(PacsError, match="stopped"):
            fetch_series(replace(server, read_seconds=30, whole_seconds=30), SERIES, cancelled=stopped.is_set)
        assert 0.5 <= time.monotonic() - started < 3


def test_files_that_came_before_the_time_was_over_are_not_taken_for_the_whole_series():
    kind, body = multipart(bytes(128) + b"DICM", bytes(128) + b"DICM")
    with answering(kind=kind, body=body[:-12], drip=60) as (server, _), pytest.raises(PacsError, match="in time"):
        fetch_series(server, SERIES)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("ask", ASKS)
def test_nobody_else_is_asked_or_sent_anything_because_a_pacs_says_so(ask, status):
    with answering() as (other, asked_there), answering(status, location=f"{other.address}/inside") as (server, asked):
        with pytest.raises(PacsError, match="another address"):
            ASKS[ask](server)
        assert len(asked) == 1 and asked_there == []


def test_an_answer_that_is_too_long_is_broken_off(monkeypatch):
    monkeypatch.setattr(transfer, "_LIST_BYTES", 1_000)
    body = json.dumps([ENTRY] * 20).encode()
    with answering(body=body) as (server, _), pytest.raises(PacsError, match="MB"):
        find_series(server, accession="A7")


def test_the_bytes_of_all_answers_of_one_connection_count_together():
    with answering(body=b"[]" + b" " * 600) as (server, asked):
        with pytest.raises(PacsError, match="MB"), connected(server, 1_500) as client:
            for _ in range(4):
                client.search_for_series()
        assert len(asked) == 3


def test_entries_that_cannot_be_fetched_are_left_out_and_no_name_is_kept():
    wrong = [{}, ENTRY | {"0020000E": {"vr": "UI", "Value": ["../../x"]}}, ENTRY | {"0020000D": {"vr": "UI"}}]
    with answering(body=json.dumps([ENTRY, *wrong]).encode()) as (server, _):
        (series,) = find_series(server, accession="A7")
    assert (series.study, series.uid, series.images) == ("1.2.3", "1.2.3.4", 2) and PATIENT not in str(vars(series))


@pytest.mark.parametrize("kind", ["application/dicom+json; charset=utf-8", "application/json;charset=UTF-8"])
@pytest.mark.parametrize("ask", ["find", "send"])
def test_an_answer_that_names_its_character_set_is_read(ask, kind):
    result = structured_report(report_of(), None)
    uid = str(dcmread(io.BytesIO(result)).SOPInstanceUID)
    stored = {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [uid]}}]}}
    body = {"find": [ENTRY], "send": stored}[ask]
    with answering(kind=kind, body=json.dumps(body).encode()) as (server, asked):
        assert find_series(server, accession="A7") if ask == "find" else send(server, [result]) == 1
    assert asked[0]["Accept"].startswith("application/dicom+json")


def test_more_series_than_are_listed_are_no_short_list_and_no_empty_one():
    picture, report = ENTRY, ENTRY | {"00080060": {"vr": "CS", "Value": ["SR"]}}
    for entry in (picture, report):
        with (
            answering(body=json.dumps([entry] * (MAX_SERIES + 1)).encode()) as (server, _),
            pytest.raises(PacsError) as caught,
        ):
            find_series(server, patient="4711")
        assert f"more than {MAX_SERIES} series" in str(caught.value) and "accession number" in str(caught.value)
    with answering(body=json.dumps([report] * (MAX_SERIES - 1) + [picture]).encode()) as (server, _):
        assert len(find_series(server, patient="4711")) == 1


@pytest.mark.parametrize("password", ["hush", "höchst", "10 €", "пароль"])
def test_a_password_may_hold_any_letter(password):
    with answering(body=json.dumps([ENTRY]).encode()) as (server, asked):
        assert find_series(replace(server, user="candor", password=password), accession="A7")
    sent = b64decode(asked[0]["Authorization"].removeprefix("Basic ")).decode()
    assert sent == f"candor:{password}"


def test_a_report_is_no_series_of_images():
    body = json.dumps([ENTRY | {"00080060": {"vr": "CS", "Value": ["SR"]}}]).encode()
    with answering(body=body) as (server, _), pytest.raises(PacsError, match="no series"):
        find_series(server, accession="A7")


def test_files_are_asked_for_as_they_are_stored_and_come_as_bytes_whatever_they_hold():
    parts = bytes(128) + b"DICM\r\n--not the boundary\r\n\r\n", bytes(128) + b"DICM" + b"\x00" * 70_000
    kind, body = multipart(*parts)
    with answering(kind=kind, body=body) as (server, asked):
        assert fetch_series(server, SERIES) == list(parts)
    assert "transfer-syntax=*" in asked[0]["Accept"] and "Authorization" not in asked[0]


def test_a_series_that_breaks_off_is_not_taken_for_whole():
    kind, body = multipart(bytes(128) + b"DICM")
    with answering(kind=kind, body=body) as (server, _), pytest.raises(PacsError, match="1 of 3"):
        fetch_series(server, Series("1.2.3", "1.2.3.4", "", "", "", "", 3))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"accession": " "},
        {"accession": "A*"},
        {"patient": "?"},
        {"patient": "1\\2"},
        {"study": "1.2.x"},
        {"study": "1." * 40 + "1"},
        {"accession": "A", "patient": "B"},
    ],
)
def test_what_is_no_exact_number_is_refused_before_anything_is_sent(asked):
    with answering() as (server, requests), pytest.raises(PacsError):
        find_series(server, **asked)
    assert requests == []


@pytest.mark.parametrize("data", [dicom12(disc()), b"no DICOM", b""], ids=["scan", "text", "empty"])
def test_nothing_is_sent_but_what_candor_made(data):
    result = structured_report(report_of(), None)
    with answering() as (server, asked), pytest.raises(PacsError, match="nothing was sent"):
        send(server, [result, data])
    assert asked == []


def test_results_that_the_pacs_did_not_take_are_counted():
    none = b'{"00081199": {"vr": "SQ", "Value": []}}'
    with answering(body=none) as (server, _), pytest.raises(PacsError, match="0 of 1"):
        ASKS["send"](server)
