"""Shared by the commands of `python -m explain`: flags, the choice of a slice, and the names of results."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from explain.engine import ENGINES, Engine, start_engine
from explain.request import DEFAULTS, SETTINGS
from model_zoo import ModelError
from model_zoo.whole_files import refused_write
from scans import PLANES, Scan, ScanError, printable


def add_request_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a request: the class, and every setting that `explain.request` declares."""
    parser.add_argument("--target", default="", metavar="CLASS", help="class id to explain; default: the predicted one")
    for name, setting in SETTINGS.items():
        default = DEFAULTS[name]
        parser.add_argument(
            f"--{name}",
            type=type(default),
            default=default,
            metavar=setting.metavar,
            help=f"{setting.label.lower()}; {setting.help} (default: {default:g} {setting.unit})".replace(" )", ")"),
        )


def request_settings(options: argparse.Namespace) -> dict[str, str | int | float]:
    """Return what `add_request_flags` read, as fields of a Request."""
    return {"target": options.target, **{name: getattr(options, name) for name in SETTINGS}}


def add_slice_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose a slice of a volume, and one of several stacks in a file."""
    parser.add_argument("--plane", choices=PLANES, default="axial", help="plane through a volume such as NIfTI")
    parser.add_argument(
        "--stack", default="", metavar="NAME", help="stack of a file that holds several; default: the first"
    )
    parser.add_argument("--slice", type=int, metavar="N", help="slice of a volume, from 0; default: the middle one")


def add_anyway_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that asks for a prediction that the gate withholds."""
    parser.add_argument("--anyway", action="store_true", help="predict what would be withheld, too; it is marked")


def add_engine_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say where the work runs."""
    parser.add_argument(
        "--engine",
        default=next(iter(ENGINES)),
        metavar="ENGINE",
        help=f"where the work runs: {' or '.join(ENGINES)} (docs/scaling.md); default: %(default)s",
    )
    parser.add_argument(
        "--address", default="", metavar="HOST:PORT", help="of a Ray cluster; default: one started here"
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes of Ray; default: one a core")


@contextmanager
def started_engine(options: argparse.Namespace, **more: object) -> Iterator[Engine]:
    """Give the engine that `add_engine_flags` read, and close it. Raises what `start_engine` does."""
    engine = start_engine(options.engine, options.address, options.workers, **more)
    try:
        yield engine
    finally:
        engine.close()


def print_entries(
    entries_of: Callable[[], list[dict]], line: Callable[[dict], str], options: argparse.Namespace
) -> int:
    """Print what `entries_of()` returns, as lines or with --json as one list. Returns the exit status.

    0, 1 where an entry has an "error", 2 where nothing could be done: a ModelError, or an --out that cannot be written.
    """
    try:
        entries = entries_of()
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {refused_write(error)}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    else:
        for entry in entries:
            print(line(entry))
    return int(any("error" in entry for entry in entries))


def stem_of(path: Path) -> str:
    """Return a file's name without its ending, printable, cut at 160 bytes: key, method and ending follow, in 255."""
    name = printable(path.name)
    stem = name.removesuffix(".gz").rsplit(".", 1)[0] or name or "scan"
    return stem.encode()[:160].decode(errors="ignore")


def unique_stems(paths: list[Path]) -> list[tuple[Path, str]]:
    """Return each path with the name of its results: its stem, numbered where that is taken."""
    taken: set[str] = set()
    named = []
    for path in paths:
        stem = stem_of(path)
        label, number = stem, 1
        while label in taken:
            number += 1
            label = f"{stem}-{number}"
        taken.add(label)
        named.append((path, label))
    return named


def choose_slice(scans: list[Scan], index: int | None) -> Scan:
    """Return slice `index`, or the middle one. Raises ScanError where there is no such slice."""
    if index is None:
        return scans[len(scans) // 2]
    if not 0 <= index < len(scans):
        raise ScanError(f"There is no slice {index}; this file has slices 0 to {len(scans) - 1}.")
    return scans[index]
