"""Broken files do no harm: a small seeded run of `tests/scans/fuzz.py`, and proof that it sees a fault of each kind."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import scans
from scans import Scan, ScanError
from tests.bombs import HEAVY_FILES
from tests.good_files import disc, png
from tests.scans import fuzz
from tests.scans.mutants import KINDS, good, mutant

ALWAYS = ("study-of-tiny-tiles.zip", "one-row-strips.tif", "deep-sequences.dcm", "looping-pages.tif")
LARGE = pytest.mark.skipif(not os.environ.get("CANDOR_FUZZ"), reason="`make fuzz` reads it: it takes seconds")
UNREAD = ("DICOM deflated",)  # that may be refused, though they are valid


@pytest.fixture(scope="module")
def worker():
    """The process that reads the files of these tests with `scans.read`."""
    worker = fuzz.Worker()
    yield worker
    worker.close()


def became_of(reader, seconds: float = 10.0, megabytes: float = 1000.0) -> list[fuzz.Reply]:
    """Return what becomes of a file that `reader` reads, and of one after it."""
    worker = fuzz.Worker(reader, seconds, megabytes)
    try:
        return [worker.read(b"bad"), worker.read(b"good")]
    finally:
        worker.close()


@pytest.mark.slow
def test_no_mutant_does_harm(worker):
    results = list(fuzz.run(1, range(140), worker))
    assert [result for result in results if result.reply.outcome in fuzz.FAULTS] == []
    table = fuzz.counts(results)
    assert set(table) == set(KINDS)
    assert fuzz.total(table)["answered"] > 20  # or the mutants are too broken to get anywhere
    assert worker.close() < fuzz.MEGABYTES


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_mutations_is_answered(kind, worker):
    reply = worker.read(good(kind))
    assert reply.outcome in (("answered", "refused") if kind in UNREAD else ("answered",)), reply


@pytest.fixture(scope="module")
def patient_worker():
    """The same with time for a busy machine: the limits count processor time, and these files reach them."""
    worker = fuzz.Worker(seconds=4 * fuzz.SECONDS)
    yield worker
    worker.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name if name in ALWAYS else pytest.param(name, marks=LARGE) for name in HEAVY_FILES])
def test_a_file_that_is_built_to_be_costly_costs_little(name, patient_worker):
    reply = patient_worker.read(HEAVY_FILES[name]())
    assert reply.outcome not in fuzz.FAULTS, reply


def test_a_mutant_is_the_same_whenever_it_is_made_and_differs_from_its_file():
    for number in range(len(KINDS)):
        kind, data, changes = mutant(3, number)
        assert (kind, data, changes) == mutant(3, number)
        assert 1 <= len(changes) <= 3
    assert sum(mutant(seed, 0)[1] != good("PNG 8 bit") for seed in range(20)) >= 18


def test_an_exception_is_noticed_and_told_where_it_arose():
    bad, after = became_of(raises)
    assert (bad.outcome, after.outcome) == ("exception", "answered")
    assert bad.words.startswith("KeyError: 'Rows' (test_fuzz.py, line ")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted on Linux only")
def test_memory_of_the_file_before_does_not_count_for_the_next():
    bad, after = became_of(leaves_a_child)
    assert (bad.outcome, after.outcome) == ("answered", "answered")
    assert after.megabytes < bad.megabytes - 200


@pytest.mark.slow
@pytest.mark.parametrize("status", [-signal.SIGSEGV, 3])
def test_a_crash_is_noticed_and_the_next_file_is_read(status):
    bad, after = became_of(segfaults if status < 0 else exits)
    assert (bad.outcome, bad.words) == ("crash", f"the process ended with {status}")
    assert after.outcome == "answered"


@pytest.mark.slow
def test_a_slow_file_is_noticed_and_stopped():
    start = time.monotonic()
    bad, after = became_of(sleeps, seconds=4.0)  # a busy machine takes a second over the good one
    assert (bad.outcome, after.outcome) == ("slow", "answered")
    assert time.monotonic() - start < 30


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.slow
@pytest.mark.parametrize("reader", ["eats", "children"])
def test_memory_is_noticed_in_the_process_and_in_those_that_it_starts(reader):
    usual = max(reply.megabytes for reply in became_of(scans_a_disc, megabytes=math.inf))  # it differs by machine
    bad, after = became_of(eats if reader == "eats" else lets_a_child_eat, megabytes=1.5 * usual + 300)
    assert (bad.outcome, after.outcome) == ("large", "answered"), (usual, bad, after)
    assert bad.megabytes > usual + 300


@pytest.mark.parametrize(
    "sentence",
    ["no full stop", "Two\nlines.", "The scan of Erika MUSTER is broken.", "Long" + " and longer" * 50 + "."],
)
def test_a_sentence_that_is_none_is_an_exception(sentence):
    def reader(data, plane):
        raise ScanError(sentence)

    with pytest.raises(AssertionError, match="not as it should be: the sentence"):
        fuzz.examine(b"bad", reader)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("pixels", {"pixels": np.full((40, 40), np.nan)}),
        ("pixels", {"pixels": 2 * disc(40)}),
        ("window", {"window": (np.nan, 1.0)}),
        ("the patient's name", {"notes": ("The scan of Erika Muster.",)}),
    ],
)
def test_a_scan_that_is_none_is_an_exception(what, changes):
    facts = {"pixels": disc(40), "digest": ""} | changes
    with pytest.raises(AssertionError, match=f"not as it should be: {what}"):
        fuzz.examine(b"bad", lambda data, plane: [Scan(**facts)])
    with pytest.raises(AssertionError, match="empty"):
        fuzz.examine(b"bad", lambda data, plane: [])


def test_the_command_prints_a_table_and_writes_what_it_counted(tmp_path, capsys):
    out = tmp_path / "fuzz.json"
    assert fuzz.main(["--count", "3", "--seed", "5", "--out", str(out)]) == 0
    printed, written = capsys.readouterr().out, json.loads(out.read_text())
    assert "3 mutants of seed 5" in printed
    assert "PNG 8 bit" in printed
    assert written["mutants"] == sum(written["total"].values()) == 3
    assert written["faults"] == []
    assert written["machine"]["processor"] in printed


def test_the_command_fails_where_there_is_a_fault_and_keeps_the_file(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fuzz, "Worker", lambda: FaultyWorker())
    assert fuzz.main(["--count", "1", "--first", "7", "--keep", str(tmp_path / "kept")]) == 1
    assert "crash at number 7" in capsys.readouterr().out
    assert (tmp_path / "kept" / "0-7").read_bytes() == mutant(0, 7)[1]


class FaultyWorker:
    """A worker to which every file is a crash."""

    def read(self, data: bytes) -> fuzz.Reply:
        return fuzz.Reply("crash", "the process ended with -11")

    def close(self) -> float:
        return 0.0


# Readers that a worker is given: b"bad" does them harm, any other file is a good one.


def scans_a_disc(data, plane):
    return scans.read(png(disc(40)), plane=plane)


def raises(data, plane):
    if data == b"bad":
        raise KeyError("Rows")
    return scans_a_disc(data, plane)


def leaves_a_child(data, plane):
    if data == b"bad":
        code = "import time; kept = b'x' * 300_000_000; print(flush=True); time.sleep(1)"
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(0.1)
    return scans_a_disc(data, plane)


def segfaults(data, plane):
    if data == b"bad":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
    return scans_a_disc(data, plane)


def exits(data, plane):
    if data == b"bad":
        os._exit(3)
    return scans_a_disc(data, plane)


def sleeps(data, plane):
    if data == b"bad":
        time.sleep(60)
    return scans_a_disc(data, plane)


def eats(data, plane):
    if data == b"bad":
        bytearray(b"x" * 1_200_000_000)
    return scans_a_disc(data, plane)


def lets_a_child_eat(data, plane):
    if data == b"bad":
        child = os.fork()
        if child == 0:
            bytearray(b"x" * 1_200_000_000)
            time.sleep(0.2)
            os._exit(0)
        os.waitpid(child, 0)
    return scans_a_disc(data, plane)
