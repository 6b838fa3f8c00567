"""python -m tests.scans.fuzz: broken files of every kind through `scans.read`; what becomes of each is counted.

A mutant (`tests/scans/mutants.py`) is answered, or refused with a sentence. The other outcomes are faults, and the exit
status is 1 where there is one:

exception  `read` raised something else, its sentence is none, or what it returned is no scan
crash      the process died
slow       over 10 s, whereupon the process is killed
large      over 1 GB at its peak, the process and all that it started together (counted on Linux only)

A process of its own reads the mutants, as the app does, and is started anew when it dies.
"""

import argparse
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

import scans
from benchmarks.record import machine
from scans import PLANES, InputSpec, Scan, ScanError, fit, is_volume
from tests.scans.mutants import KINDS, mutant

OUTCOMES = ("answered", "refused", "exception", "crash", "slow", "large")
FAULTS = OUTCOMES[2:]
SECONDS, MEGABYTES = 10.0, 1000.0

Reader = Callable[..., list[Scan]]  # scans.read, or what a test puts in its place

_SECRET = "Muster"  # the name of the patient in tests/good_files.py
_LONGEST = 400  # characters of a sentence
_TICK = 0.02  # seconds between two looks at the memory of a process and its children
_ENDING = 5.0  # seconds that the processes of a file may take to be gone after its reply
_SHOWN = 20  # faults in the table and the file


@dataclass(frozen=True)
class Reply:
    """What became of a file; `words` are the sentence, or what went wrong."""

    outcome: str
    words: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    kind: str
    seed: int
    number: int
    changes: tuple[str, ...]
    reply: Reply


class Worker:
    """A process that reads files one after the other; it starts with the first, and anew after it died."""

    def __init__(self, reader: Reader = scans.read, seconds: float = SECONDS, megabytes: float = MEGABYTES) -> None:
        self._reader, self._seconds, self._megabytes = reader, seconds, megabytes
        self._process: multiprocessing.process.BaseProcess | None = None

    def read(self, data: bytes) -> Reply:
        """Return what becomes of a file."""
        if self._process is None:
            self._start()
        self._await_the_end_of_the_last()
        _forget_peak(self._process.pid)
        start, peak = time.monotonic(), 0.0
        try:
            self._pipe.send_bytes(b"=" + data)  # no message may be empty
            while not self._pipe.poll(_TICK):
                peak = max(peak, _peak(self._process.pid))
                if time.monotonic() - start > self._seconds or peak > self._megabytes:
                    self._kill()
                    break
            else:
                outcome, words = self._pipe.recv()
                peak = max(peak, _peak(self._process.pid))
        except (EOFError, OSError):
            self._process.join()
            outcome, words = "crash", f"the process ended with {self._process.exitcode}"
            self._kill()
        seconds = time.monotonic() - start
        if peak > self._megabytes:
            outcome, words = "large", f"{peak:.0f} MB"
            self._kill()  # where its peak cannot be forgotten, it would count for the next file too
        elif seconds > self._seconds:
            outcome, words = "slow", f"{seconds:.1f} s"
        return Reply(outcome, words, seconds, peak)

    def close(self) -> float:
        """End the process; return the peak in MB of the largest process that it started, as the system counted it."""
        if self._process is None:
            return 0.0
        largest = 0.0
        with suppress(EOFError, OSError):
            self._pipe.send_bytes(b".")
            largest = self._pipe.recv()
        self._kill()
        return largest

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._reader))
        self._process.start()
        theirs.close()
        self._pipe.recv()  # it is ready: its start counts for no file
        self._at_rest = len(_group(self._process.pid))

    def _await_the_end_of_the_last(self) -> None:
        """Wait until what read the file before is gone: a child that is killed has its memory for a while yet."""
        end = time.monotonic() + _ENDING
        while len(_group(self._process.pid)) > self._at_rest and time.monotonic() < end:
            time.sleep(_TICK)

    def _kill(self) -> None:
        """End the process and all that it started, if it is still there."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()
        self._pipe.close()
        self._process = None


def _serve(pipe, reader: Reader) -> None:
    """Read the files that come through `pipe`, in a process group of its own, until a message says that it is over."""
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff prints what it dislikes
    scans.sandbox.SERVER.start()
    pipe.send("ready")
    while (message := pipe.recv_bytes())[:1] == b"=":
        pipe.send(_outcome(message[1:], reader))
    scans.sandbox.SERVER.stop()  # then the system counts the memory of its children
    pipe.send(_largest_child())


def _outcome(data: bytes, reader: Reader) -> tuple[str, str]:
    """Return what becomes of a file, as far as the process itself can tell, and the words."""
    try:
        sentence = examine(data, reader)
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "exception", f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"[:1000]
    return ("refused", sentence) if sentence else ("answered", "")


def examine(data: bytes, reader: Reader = scans.read) -> str:
    """Do with a file what the app does before a model sees it; return "", or the sentence where no plane is read.

    Raises AssertionError where a scan or a sentence is not what it should be, and whatever `reader` raises.
    """
    answered, sentence = False, ""
    for plane in PLANES:
        try:
            found = reader(data, plane=plane)
            _require("the list of scans, which is empty", bool(found))
        except ScanError as error:
            sentence, found = str(error), []
            _check_sentence(sentence)
        for scan in found:
            _check_scan(scan)
        answered = answered or bool(found)
        if len(found) < 2 and not is_volume(data):  # no volume: other planes do not matter
            break
    return "" if answered else sentence


def _check_scan(scan: Scan) -> None:
    _require("pixels", np.isfinite(scan.pixels).all() and scan.pixels.min() >= 0 and scan.pixels.max() <= 1)
    shown = scan.windowed()
    _require("window", np.isfinite(shown).all() and shown.min() >= 0 and shown.max() <= 1)
    _require("not_assessable", isinstance(scan.not_assessable, str))
    fitted, placement = fit(scan, InputSpec(64, 64))
    _require("fit", np.isfinite(fitted).all() and fitted.shape == (64, 64, 3) and placement.scan_shape == scan.shape)
    words = str([getattr(scan, field.name) for field in fields(scan) if field.name != "pixels"])
    _require("the patient's name", _SECRET.lower() not in words.lower())


def _check_sentence(sentence: str) -> None:
    whole = "\n" not in sentence and sentence.endswith(".") and len(sentence) < _LONGEST
    discreet = _SECRET.lower() not in sentence.lower() and "Traceback" not in sentence
    _require(f"the sentence {sentence!r}", whole and discreet)


def _require(what: str, right: bool) -> None:
    if not right:
        raise AssertionError(f"not as it should be: {what}")


def _largest_child() -> float:
    """Return the peak in MB of the largest process that this one started and that has ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _forget_peak(process: int) -> None:
    """Let the peak of a process be what it takes now."""
    with suppress(OSError):
        Path(f"/proc/{process}/clear_refs").write_text("5")


def _peak(leader: int) -> float:
    """Return the peak in MB of the processes of a group; memory that they share counts for each."""
    return sum(_megabytes(process) for process in _group(leader))


def _group(leader: int) -> list[int]:
    """Return the processes of a group; none where there is no /proc."""
    group = []
    for name in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208
        with suppress(OSError, ValueError):
            if int(Path(f"/proc/{int(name)}/stat").read_text().rsplit(")", 1)[1].split()[2]) == leader:
                group.append(int(name))
    return group


def _megabytes(process: int) -> float:
    with suppress(OSError):
        peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
        return int(peak[1]) * 1024 / 1e6 if peak else 0.0
    return 0.0


def run(seed: int, numbers: Sequence[int], worker: Worker) -> Iterator[Result]:
    """Yield what becomes of the mutants with these numbers."""
    for number in numbers:
        kind, data, changes = mutant(seed, number)
        yield Result(kind, seed, number, changes, worker.read(data))


def counts(results: Sequence[Result]) -> dict[str, dict[str, int]]:
    """Return how many mutants of each kind had each outcome."""
    found = {kind: dict.fromkeys(OUTCOMES, 0) for kind in KINDS}
    for result in results:
        found[result.kind][result.reply.outcome] += 1
    return {kind: row for kind, row in found.items() if any(row.values())}


def total(table: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return how many mutants of all kinds had each outcome."""
    return {outcome: sum(row[outcome] for row in table.values()) for outcome in OUTCOMES}


def record(seed: int, results: Sequence[Result], seconds: float, largest_child: float) -> dict:
    """Return all that is worth keeping of a run."""
    table = counts(results)
    sentences = Counter(
        re.sub(r"[\d.,]*\d", "N", each.reply.words) for each in results if each.reply.outcome == "refused"
    )
    return {
        "seed": seed,
        "mutants": len(results),
        "seconds": round(seconds, 1),
        "machine": machine(),
        "total": total(table),
        "counts": table,
        "slowest": asdict(max(results, key=lambda result: result.reply.seconds)),
        "largest": asdict(max(results, key=lambda result: result.reply.megabytes)),
        "largest_child_megabytes": round(largest_child),
        "faults": [asdict(result) for result in results if result.reply.outcome in FAULTS][:_SHOWN],
        "sentences": dict(sentences.most_common()),
    }


def text(record: dict) -> str:
    """Return the table of a run: a line for each kind of file, and one for each of the first faults."""
    rows = record["counts"] | {"all": record["total"]}
    lines = [" " * 20 + "".join(f"{outcome:>10}" for outcome in OUTCOMES)]
    lines += [f"{kind:20}" + "".join(f"{row[outcome]:10,}" for outcome in OUTCOMES) for kind, row in rows.items()]
    for fault in record["faults"]:
        lines.append(
            f"{fault['reply']['outcome']} at number {fault['number']}, {fault['kind']}: {fault['reply']['words']}"
        )
    slowest, largest = record["slowest"]["reply"]["seconds"], record["largest"]["reply"]["megabytes"]
    lines.append(
        f"{record['mutants']:,} mutants of seed {record['seed']} in {record['seconds']:,.0f} s on one "
        f"{record['machine']['processor']}; {slowest:.1f} s and {largest:.0f} MB at most."
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 1 where there is a fault, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.scans.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000, help="how many mutants (default 2000)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default 0)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the counts and the first faults, as JSON")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the mutants that show a fault to this folder")
    options = parser.parse_args(arguments)
    start, results, worker = time.monotonic(), [], Worker()
    try:
        for result in run(options.seed, range(options.first, options.first + options.count), worker):
            results.append(result)
            if result.reply.outcome in FAULTS:
                print(f"{result.number}: {result.reply.outcome}: {result.reply.words}", file=sys.stderr, flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{result.seed}-{result.number}").write_bytes(mutant(result.seed, result.number)[1])
    finally:
        largest_child = worker.close()
    found = record(options.seed, results, time.monotonic() - start, largest_child)
    print(text(found))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(found["total"][outcome] for outcome in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
