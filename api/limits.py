"""The limits of the HTTP API: what one request and the whole server may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from explain.queue import LANES, Lane
from explain.request import SETTINGS
from scans import MAX_BYTES, MAX_FILES, MAX_TOGETHER

PER_USER = 16  # jobs of one token in a lane; without tokens all programs on the machine are one user
LONGEST = max(SETTINGS["seconds"].choices)  # seconds: the longest time limit of a map, as on the page


def lanes_of_the_api() -> dict[str, Lane]:
    """Return the lanes of the app's queue, with more jobs for one user: a program asks for many at once."""
    return {name: replace(lane, per_user=min(PER_USER, lane.waiting)) for name, lane in LANES.items()}


@dataclass(frozen=True)
class Limits:
    """Numbers that no request and no sum of requests goes beyond. Sizes in bytes, times in seconds."""

    file_bytes: int = MAX_BYTES  # of an uploaded file
    files: int = 64  # predicted in one request
    files_bytes: int = 2 * MAX_BYTES  # that they have together
    uploads_bytes: int = MAX_TOGETHER  # of all uploads that are in memory before they are read
    field_bytes: int = 2_000  # of a form's field that is no file
    parts: int = 40  # of a form, beside its files
    requests: int = 64  # at once
    idle_seconds: float = 10.0  # without a byte of an upload
    upload_seconds: float = 300.0  # for a whole upload
    slices: int = MAX_FILES  # predicted in one request, of all its files
    jobs: int = 256  # kept, live or finished
    jobs_bytes: int = 512 * 1024**2  # that they may hold
    jobs_seconds: float = 3600.0  # that a job is kept after somebody looked at it
    lanes: Mapping[str, Lane] = field(default_factory=lanes_of_the_api)
