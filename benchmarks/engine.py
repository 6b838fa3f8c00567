"""Files a second in this process, in one Ray worker and in two, on this machine: maps alone, and whole reports.

python -m benchmarks.engine            # maps of 120 scans, reports of 20; 5 rounds; needs `make .venv/ray`
python -m benchmarks.engine 24 2       # fewer scans and rounds; one in six scans is reported

All ways work on the same scans and take turns; every worker has its models before the clock starts. One worker uses one
thread, this process all cores. The process that hands out the work shares the cores with the workers. Seconds are upper
bounds where other work runs: the load average is stored. Plain processes do the same work beside: what they lose with
the second one, the machine loses and not the engine. So does an empty loop, which needs nothing but the processor.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.load import some_scans
from benchmarks.plain_processes import PlainProcesses
from benchmarks.record import load_average, write
from explain.engine import EngineError, start_engine, this_process
from explain.report.file_report import File, FileReport
from explain.report.folder import MAPS, keep
from model_zoo import load_model

MODEL = "candor-pooled4"
SCANS, ROUNDS = 120, 5
HERE, ONE, TWO = "this process", "1 worker", "2 workers"
_WORKERS = {ONE: 1, TWO: 2}
PLAIN_ONE, PLAIN_TWO = "1 plain process", "2 plain processes"
_PLAIN = {PLAIN_ONE: 1, PLAIN_TWO: 2}
WORK = {"maps": (("gradcam",), (MAPS,)), "reports": (("gradcam", "occlusion"), ("html", "pdf"))}  # methods, formats

_SHARE = 6  # one in so many scans is reported: a report takes longer than a map
_NOTHING = 4000  # items of which nothing is made
_KEPT = 400  # lines

Map = Callable[..., Iterator]


def measure(place: Path, count: int, rounds: int) -> dict:
    """Return all measurements of `count` scans. Raises EngineError where Ray does not start."""
    scans = place / "scans"
    scans.mkdir()
    for name, data in some_scans(count).items():
        (scans / name).write_bytes(data)
    files = [File(path, None, datetime(2026, 1, 1)) for path in sorted(scans.iterdir())]
    found: dict = {"model": MODEL, "scans": count, "rounds": rounds, "load average before": load_average()}
    began = perf_counter()
    cluster = start_engine("ray", workers=sum(_WORKERS.values()))
    try:
        found["cluster started, seconds"] = round(perf_counter() - began, 1)
        from explain.engine.ray_worker import Workers

        pools = {name: Workers(number) for name, number in _WORKERS.items()}
        plain = {name: PlainProcesses(number) for name, number in _PLAIN.items()}
        pools |= plain
        ways: dict[str, Map] = {HERE: this_process().map} | {name: pool.map for name, pool in pools.items()}
        model = load_model(MODEL)
        for kind, (methods, formats) in WORK.items():
            work = FileReport(model, place, methods, formats, {"target": "", "seed": 0, "seconds": 30.0})
            found[kind] = _rates(work, ways, files if kind == "maps" else files[::_SHARE], rounds, place / kind)
        found["loops a second"] = {name: _median_of(plain[name].spins, rounds) for name in _PLAIN}
        began = perf_counter()
        assert sum(ways[TWO](int, [0] * _NOTHING)) == 0
        found["items of nothing a second"] = round(_NOTHING / (perf_counter() - began))
        found["lines kept a second"] = _lines(place, found["maps"].pop("a line"))
        found["memory, MB"] = _memory()
        for pool in pools.values():
            pool.close()
    finally:
        cluster.close()
    del found["reports"]["a line"]
    return found | {"load average after": load_average()}


def _rates(work: FileReport, ways: dict[str, Map], files: list[File], rounds: int, place: Path) -> dict:
    """Return the files a second of each way, the median of all rounds, and what follows from them."""
    place.mkdir()
    first: dict[str, float] = {}
    for name, way in ways.items():
        began = perf_counter()
        _run(work, way, files[:4], place / f"first {name}")
        first[name] = round(perf_counter() - began, 1)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    same = 0
    for number in range(rounds):
        for name, way in ways.items():
            began = perf_counter()
            line = _run(work, way, files, out := place / f"{name} {number}")
            seconds[name].append(perf_counter() - began)
        same += _names(place / f"{TWO} {number}") == _names(place / f"{HERE} {number}")
    rates = {name: len(files) / median(each) for name, each in seconds.items()}
    return {
        "methods": list(work.methods),
        "files": len(files),
        "files a second": {name: round(rate, 2) for name, rate in rates.items()},
        "seconds of each round": {name: [round(each, 2) for each in all_] for name, all_ in seconds.items()},
        "two workers over twice one": round(rates[TWO] / (2 * rates[ONE]), 3),
        "two plain processes over twice one": round(rates[PLAIN_TWO] / (2 * rates[PLAIN_ONE]), 3),
        "one worker over this process": round(rates[ONE] / rates[HERE], 3),
        "two workers over this process": round(rates[TWO] / rates[HERE], 3),
        "rounds with the same files": same,
        "first four files, seconds": first,  # models are loaded
        "a line": line,
        "kB a file": round(sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1000 / len(files)),
        "results a file": round(sum(path.is_file() for path in out.rglob("*")) / len(files), 2),
    }


def _median_of(measured: Callable[[], int], rounds: int) -> int:
    return round(median(measured() for _ in range(rounds)))


def _run(work: FileReport, way: Map, files: list[File], out: Path) -> dict:
    """Return the line of the last report."""
    out.mkdir()
    for result in way(replace(work, out=out), files):
        entry, new = result
        assert new and entry["files"]
    return entry


def _lines(out: Path, entry: dict) -> int:
    """Return how many lines a command keeps in a second, each forced onto the disk."""
    began = perf_counter()
    for number in range(_KEPT):
        keep(out, entry | {"name": str(number)}, {})
    return round(_KEPT / (perf_counter() - began))


def _names(folder: Path) -> set[str]:
    """Return the names of the results: each ends in a hash of the scan, the model and the settings."""
    return {path.name for path in folder.rglob("*")}


def _memory() -> dict[str, int]:
    """Return the resident memory of the largest worker, and of all processes of the cluster that are no workers."""
    workers, others = [], 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.environ["RAY_AUTH_TOKEN"].encode() not in (process / "environ").read_bytes():
                continue
            title = (process / "cmdline").read_bytes()
            if b"multiprocessing" in title:  # a plain process, which has the same variables
                continue
            fields = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
            size = int(fields["VmRSS"].split()[0]) // 1000
        except (OSError, KeyError):  # it has ended since, or is a thread of the system
            continue
        if title.startswith(b"ray::Worker"):
            workers.append(size)
        elif process.name != str(os.getpid()):
            others += size
    return {"largest worker": max(workers), "cluster without workers": others}


def main(arguments: list[str]) -> int:
    """Run the benchmark. Returns 2 where Ray is not installed."""
    count, rounds = (*map(int, arguments), *(SCANS, ROUNDS)[len(arguments) :])
    with tempfile.TemporaryDirectory() as place:
        try:
            command = " ".join(["python -m benchmarks.engine", *arguments])  # fewer scans are another measurement
            write("engine", {"command": command, **measure(Path(place), count, rounds)})
        except EngineError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
