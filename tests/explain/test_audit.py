"""The audit log: whole lines, appended and never changed, that a failing disk costs no answer."""

import json
import os
import stat
from datetime import UTC, datetime
from threading import Thread

import pytest

from explain.audit import EVENTS, LOCAL, AuditError, AuditLog, keep_in, record


@pytest.fixture
def folder(tmp_path):
    """The folder of the log that is kept during a test."""
    keep_in(tmp_path / "log")
    yield tmp_path / "log"
    keep_in(None)


def lines(folder) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_a_line_says_when_who_and_what_and_leaves_out_what_is_empty(folder):
    record(
        "prediction", "ada", scan="ab" * 32, slice_index=0, model="m", weights="w", predicted="glioma", gate="passed"
    )
    record("sign-out", LOCAL)
    first, second = lines(folder)
    when = datetime.fromisoformat(first.pop("time"))
    assert when.utcoffset().total_seconds() == 0 and abs((datetime.now(UTC) - when).total_seconds()) < 60
    assert first == {
        "event": "prediction",
        "who": "ada",
        "scan": "ab" * 32,
        "slice": 0,
        "model": "m",
        "weights": "w",
        "class": "glioma",
        "gate": "passed",
    }
    assert set(second) == {"time", "event", "who"}


def test_no_line_is_written_where_no_log_is_kept_and_no_unknown_event_in_any(folder):
    with pytest.raises(ValueError, match="sign-in"):
        record("diagnosis", LOCAL)
    keep_in(None)
    for event in EVENTS:
        record(event, LOCAL)
    assert lines(folder) == []


def test_a_subject_from_elsewhere_cannot_break_a_line_or_fill_the_disk(folder):
    record("sign-in", 'eve\n{"event": "sign-in", "who": "ada"}\x1b[2J\u2028' + "x" * 100_000)
    (line,) = lines(folder)
    assert line["who"].startswith("eve\n") and len(line["who"]) <= 200
    assert next(folder.iterdir()).read_bytes().isascii() and next(folder.iterdir()).read_bytes().count(b"\n") == 1


def test_nobody_else_may_read_the_log_and_it_is_opened_for_appending_only(folder, monkeypatch):
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, mode=0o777: opened.append(flags) or real(path, flags, mode))
    record("sign-out", LOCAL)
    assert opened[0] & os.O_APPEND and not opened[0] & (os.O_TRUNC | os.O_RDWR)
    assert stat.S_IMODE(next(folder.iterdir()).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_new_start_goes_on_where_the_last_one_ended_and_a_full_file_gives_way_to_the_next(tmp_path):
    AuditLog(tmp_path).write({"n": 0})
    log = AuditLog(tmp_path, most_bytes=500)
    for n in range(1, 40):
        assert log.write({"n": n})
    assert [line["n"] for line in lines(tmp_path)] == list(range(40))
    files = sorted(tmp_path.iterdir())
    assert len(files) > 2 and all(path.stat().st_size < 600 for path in files)


def test_many_threads_and_two_logs_of_one_folder_write_whole_lines(tmp_path):
    logs = AuditLog(tmp_path, most_bytes=20_000), AuditLog(tmp_path, most_bytes=20_000)
    threads = [
        Thread(target=lambda k=k: [logs[k % 2].write({"k": k, "n": n, "pad": "x" * 300}) for n in range(50)])
        for k in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(line["k"], line["n"]) for line in lines(tmp_path)} == {(k, n) for k in range(8) for n in range(50)}


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="CANDOR_AUDIT"):
        keep_in(tmp_path / "file" / "log")


def test_a_failing_disk_is_told_once_and_again_after_it_had_worked(folder, monkeypatch, caplog):
    real = os.write

    def full(*_):
        raise OSError(28, "No space left on device")

    for _ in range(2):
        monkeypatch.setattr(os, "write", full)
        for _ in range(3):
            record("sign-out", LOCAL)
        monkeypatch.setattr(os, "write", real)
        record("sign-in", LOCAL)
    assert [line["event"] for line in lines(folder)] == ["sign-in", "sign-in"]
    assert len(caplog.records) == 2 and "No space left" in caplog.text


def test_a_line_that_a_full_disk_cut_stays_alone_on_its_line(folder, monkeypatch, caplog):
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:20]))
    record("sign-out", LOCAL)
    monkeypatch.setattr(os, "write", real)
    record("sign-in", LOCAL)
    torn, whole = next(folder.iterdir()).read_text().splitlines()
    assert len(torn) == 20 and json.loads(whole)["event"] == "sign-in" and len(caplog.records) == 1


def test_a_device_that_is_full_costs_no_answer(folder, monkeypatch, caplog):
    monkeypatch.setattr(AuditLog, "_open", lambda self: os.open("/dev/full", os.O_WRONLY | os.O_APPEND))
    record("sign-in", LOCAL)
    record("sign-in", LOCAL)
    assert lines(folder) == [] and len(caplog.records) == 1
