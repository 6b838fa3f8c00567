"""Every scan of a run is read once, and all files that cannot be used are named at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

from datasets.records import REMEDY, DatasetError, Record, load
from datasets.wording import listing
from scans import Scan

T = TypeVar("T")


def read_every(records: Sequence[Record], work: Callable[[Record, Scan], T]) -> list[T]:
    """Load each record once and return what `work` makes of each record and its scan, in their order.

    A bar shows the progress. Every record is tried before one DatasetError names all scans, boxes and slices of
    figshare that cannot be used.
    """

    def one(record: Record) -> tuple[T | None, list[str]]:
        faults = [record.fault] if record.fault else []
        try:
            scan = load(record) if record.label else None  # without a label it is broken, and its fault says so
        except DatasetError as error:
            return None, [*faults, str(error)]
        return (None, faults) if faults else (work(record, scan), [])

    with ThreadPoolExecutor(2) as pool:
        done = list(tqdm(pool.map(one, records), total=len(records), desc="reading scans", mininterval=2))
    bad = [(record, fault) for record, (_, faults) in zip(records, done, strict=True) for fault in faults]
    if len(bad) == 1:
        raise DatasetError(bad[0][1])
    if bad:
        lines = [_in_short(record, fault) for record, fault in bad]
        raise DatasetError(
            f"{len(bad):,} files cannot be used; correct or remove them, or download the set again:{listing(lines)}"
        )
    return [result for result, _ in done]


def _in_short(record: Record, fault: str) -> str:
    """Return what is wrong with a file, without what to do: a fault names the file, then the reason, then the rest."""
    name_ends = len(str(record.path.with_suffix("")))
    stop = fault.find("; ", name_ends)
    return fault[:stop] if stop > 0 else fault.removesuffix(REMEDY).rstrip()
