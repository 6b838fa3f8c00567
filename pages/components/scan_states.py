"""How far this session has come with each scan: what the worklist rail says beside its picture."""

from pages.components.state import Entry, state
from scans import Scan

NEW, WITHHELD, PREDICTED, EXPLAINED = "new", "withheld", "predicted", "explained"


def note(scan: Scan, reached: str) -> None:
    """Keep the state that a scan has reached; one that was explained stays so."""
    states = state().scan_states
    if states.get(scan.digest) != EXPLAINED:
        states[scan.digest] = reached


def state_of(entry: Entry) -> str:
    """Return the furthest state of the files of an entry."""
    reached = {state().scan_states.get(upload.digest, NEW) for upload in entry.uploads}
    return next(each for each in (EXPLAINED, PREDICTED, WITHHELD, NEW) if each in reached)
