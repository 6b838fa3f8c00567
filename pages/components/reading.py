"""Uploads are read in the background: the first slices can be looked at while the rest comes."""

from collections.abc import Sequence

import streamlit as st

from explain.queue import READING
from explain.refinement import Cancelled
from pages.components.requests import FAILED, POLL, UPLOADS, OtherWork, collect, release
from pages.components.small_pictures import small_picture
from pages.components.state import PageState, Upload, state
from scans import PLANES, Scan, ScanError, is_volume, read

_AT_ONCE = 2  # files that are read side by side: as many as the lane has workers


def read_new() -> None:
    """Begin to read what has not been read, wait a moment for it, and draw the progress of the rest."""
    session = state()
    in_batches = {upload.id for batch in session.batches.values() for upload in batch}
    new = [upload for upload in session.uploads.values() if not upload.read and upload.id not in in_batches]
    for part in (new[first::_AT_ONCE] for first in range(_AT_ONCE)):
        if part:
            session.batches[f"read {session.user} {part[0].id}"] = tuple(part)
    if session.batches:
        _collect(session, session.at_once)
    if session.batches:
        st.fragment(_follow, run_every=POLL)(sum(upload.read for upload in session.uploads.values()))


def still_reading() -> bool:
    """Return whether some uploads have not been read yet."""
    return bool(state().batches)


def stop_reading() -> None:
    """Give up what has not been read."""
    state().batches = {}
    release(UPLOADS)


def _follow(read_before: int) -> None:
    """Draw the progress; run the page again once all is read, or once there is a first scan to be shown."""
    session = state()
    _collect(session, 0.0)
    done, count = sum(upload.read for upload in session.uploads.values()), len(session.uploads)
    if not session.batches or (done and not read_before):
        st.rerun()
    st.progress(done / count, f"Reading: {done} of {count} files" if count > 1 else "Reading the file")


def _collect(session: PageState, at_once: float) -> None:
    """Look after the jobs, and move what is no scan from the uploads to the refused."""
    wanted = {key: OtherWork(key, _work(batch, session.plane), READING) for key, batch in session.batches.items()}
    for key, status in collect(wanted, UPLOADS, limit=_AT_ONCE, at_once=at_once).items():
        if status.pending:
            continue
        for upload in session.batches.pop(key):
            if not upload.read:
                upload.read, upload.refusal = True, status.error or FAILED
    for upload in [upload for upload in session.uploads.values() if upload.refusal]:
        session.refused[upload.id] = upload.name, upload.refusal
        del session.uploads[upload.name]


def _work(batch: Sequence[Upload], plane: str):
    def work(progress, cancelled) -> None:
        for number, upload in enumerate(batch):
            if cancelled():
                raise Cancelled
            if not upload.read:
                _read(upload, plane, keep=len(batch) == 1)
            progress((number + 1) / len(batch))

    return work


def _read(upload: Upload, plane: str, keep: bool) -> None:
    """Read an upload; the slices of a volume are kept for the page only where it came alone: they take much memory."""
    found = _slices(upload.data, plane)
    if isinstance(found, ScanError):
        upload.refusal = str(found)
    elif len(found) == 1 and not found[0].stacks:
        upload.scan = found[0]
    elif keep:
        upload.slices = found
    if not upload.refusal:
        upload.picture = small_picture(found[len(found) // 2])
    upload.read = True  # last: the page, in another thread, then finds all of the above


def _slices(data: bytes, plane: str) -> list[Scan] | ScanError:
    # A volume may be too thin to be seen in one plane, and have others.
    planes = sorted(PLANES, key=lambda other: other != plane) if is_volume(data) else (plane,)
    for each in planes:
        try:
            return read(data, plane=each)
        except ScanError as error:
            refused = error
    return refused
