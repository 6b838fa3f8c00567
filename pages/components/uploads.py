"""The user's uploads, kept from page to page until they are removed.

Streamlit forgets what stands in an upload field as soon as another page is opened, and so the files are kept in the
memory of this session, and nowhere else. What is taken out of the field is forgotten here, too.
"""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components.state import Entry, PageState, Upload, state
from scans import ACCEPTED, MAX_BYTES, PLANES, Scan, ScanError, display_name, in_series, is_nifti, read

MAX_FILES = 200
MAX_TOGETHER = 200_000_000  # bytes per session


def choose_files() -> None:
    """Draw the field for uploads, what was refused, and the button that removes all."""
    session = state()
    # No `type`: it would refuse DICOM without an extension. What a file is, is decided by its bytes.
    key = f"upload-{session.renewals.get('upload', 0)}"
    st.file_uploader(
        "Upload scans",
        accept_multiple_files=True,
        key=key,
        on_change=_take,
        args=(key,),
        max_upload_size=MAX_BYTES // 1_000_000,
        help=f"{ACCEPTED}. A file stays in memory for this session and is written nowhere.",
    )
    _read_new(session)
    for name, sentence in session.refused.values():
        if name:
            st.text(name)  # a stranger's words: never Markdown
        st.error(sentence)
    if count := len(session.uploads) + len(session.refused):
        label = "Remove the file" if count == 1 else f"Remove all {count} files"
        st.button(label, on_click=_remove_all, help="Deletes the uploads from the server's memory now.")


def choose_plane() -> None:
    """Draw the choice of a plane where one of the files is a volume that can be cut in any."""
    session = state()
    if any(is_nifti(upload.data) for upload in session.uploads.values()):
        session.plane = st.segmented_control(
            "Plane", PLANES, default=session.plane, format_func=str.title, required=True, key="plane"
        )


def entries() -> dict[str, Entry]:
    """Return the uploads by name, the latest first; the slices of one series are one entry."""
    session = state()
    if session.entries is None:
        session.entries = _listed(session)
    return session.entries


def _listed(session: PageState) -> dict[str, Entry]:
    latest_first = list(reversed(session.uploads.values()))
    owner = {id(upload.scan): upload for upload in latest_first if upload.scan}
    listed = []
    for scans in in_series([[upload.scan] for upload in latest_first if upload.scan]):
        members = tuple(owner[id(scan)] for scan in scans)
        name = members[0].name
        if len(members) > 1:
            stack = f", {scans[0].stack}" if scans[0].stack else ""
            name = f"Series of {len(members)} slices{stack} ({name})"
        listed.append(Entry(name, members))
    listed += [Entry(upload.name, (upload,)) for upload in latest_first if not upload.scan]
    place = {upload.id: number for number, upload in enumerate(latest_first)}
    listed.sort(key=lambda entry: min(place[upload.id] for upload in entry.uploads))
    return {entry.name: entry for entry in listed}


def slices_of(entry: Entry) -> list[Scan]:
    """Return the slices of an entry, a volume's in the plane chosen. Raises ScanError where that plane is too thin."""
    first = entry.uploads[0]
    if len(entry.uploads) > 1 or first.scan:
        return [upload.scan for upload in entry.uploads]
    return _volume(first.digest, state().plane, first.data)


def bytes_of(scan: Scan) -> bytes | None:
    """Return the file that a scan was read from; None for a sample."""
    return next((upload.data for upload in state().uploads.values() if upload.digest == scan.digest), None)


@st.cache_resource(scope="session", max_entries=2, show_spinner=False)
def _volume(digest: str, plane: str, _data: bytes) -> list[Scan]:
    # Of this session only, and few: a volume takes up to 240 MB, and is nobody else's business.
    return read(_data, plane=plane)


def _take(key: str) -> None:
    """Keep what is new in the field, under names of its own, and forget what was taken out of it."""
    session = state()
    in_field = {upload.file_id: upload for upload in st.session_state[key] or []}
    removed = session.in_field - set(in_field)
    new = [upload for file_id, upload in in_field.items() if file_id not in session.in_field]
    session.in_field, session.entries = set(in_field), None
    session.uploads = {name: upload for name, upload in session.uploads.items() if upload.id not in removed}
    session.refused = {file_id: refusal for file_id, refusal in session.refused.items() if file_id in in_field}
    held = sum(len(upload.data) for upload in session.uploads.values())
    for upload in new:
        data = upload.getvalue()
        held += len(data)
        if len(session.uploads) >= MAX_FILES or held > MAX_TOGETHER:
            sentence = (
                f"Not all files were taken: Candor keeps {MAX_FILES} at a time, {MAX_TOGETHER // 1_000_000} MB "
                "together. Remove some and upload the others again."
            )
            session.refused[""] = ("", sentence)
            continue
        name = _own_name(display_name(upload.name), session.uploads)
        session.uploads[name] = Upload(upload.file_id, name, data, sha256(data).hexdigest())


def _own_name(name: str, taken: dict[str, Upload]) -> str:
    label, number = name, 1
    while label in taken:
        number += 1
        label = f"{name} ({number})"
    return label


def _read_new(session: PageState) -> None:
    """Read every new file once; one that is no scan is not kept, and its sentence is. The last one read is opened."""
    new = [upload for upload in session.uploads.values() if not upload.read]
    if not new:
        return
    progress, plane = st.empty(), session.plane

    def slices(upload: Upload) -> list[Scan] | ScanError:
        # A volume may be too thin to be seen in one plane, and have others.
        planes = sorted(PLANES, key=lambda other: other != plane) if is_nifti(upload.data) else (plane,)
        for each in planes:
            try:
                return read(upload.data, plane=each)
            except ScanError as error:
                refused = error
        return refused

    with ThreadPoolExecutor(2) as pool:  # DICOM and NIfTI are decoded in a process of their own each
        for place, (upload, result) in enumerate(zip(new, pool.map(slices, new), strict=True), 1):
            if len(new) > 1:
                progress.progress(place / len(new), f"Reading file {place} of {len(new)}")
            if isinstance(result, ScanError):
                session.refused[upload.id] = upload.name, str(result)
                del session.uploads[upload.name]
                continue
            upload.read, upload.scan = True, result[0] if len(result) == 1 else None
    progress.empty()
    session.entries = None
    if readable := [upload for upload in new if upload.read]:
        session.scan = next(entry.name for entry in entries().values() if readable[-1] in entry.uploads)


def _remove_all() -> None:
    session = state()
    ids = {upload.id for upload in session.uploads.values()} | set(session.refused)
    context = get_script_run_ctx()
    if Runtime.exists() and context:  # Streamlit would keep its own copies until the session ends
        for file_id in ids - {""}:
            Runtime.instance().uploaded_file_mgr.remove_file(context.session_id, file_id)
    session.uploads, session.refused, session.in_field, session.entries = {}, {}, set(), None
    session.renewals["upload"] = session.renewals.get("upload", 0) + 1  # a new field, which is empty
    _volume.clear()
