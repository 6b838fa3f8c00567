"""How far this session has come with each scan: what the worklist rail says beside its picture."""

from pages.components.state import Entry, state
from scans import Scan

NEW, WITHHELD, PREDICTED, EXPLAINED = STATES = ("new", "withheld", "predicted", "explained")  # how far, in order


def note(scan: Scan, reached: str) -> None:
    """Keep the state that a file has reached, if it is further than before: one slice of a volume may be withheld."""
    states = state().scan_states
    states[scan.digest] = max(reached, states.get(scan.digest, NEW), key=STATES.index)


def state_of(entry: Entry) -> str:
    """Return the furthest state of the files of an entry."""
    return max((state().scan_states.get(upload.digest, NEW) for upload in entry.uploads), key=STATES.index)
