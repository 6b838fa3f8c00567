"""Which scans has this reader brought? The uploaded files, kept from page to page until they are removed.

Streamlit forgets what stands in an upload field as soon as another page is opened, and so the files are kept here, in
the memory of this session only. What is taken out of the field is forgotten here, too.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from scans import ACCEPTED, MAX_BYTES, PLANES, Scan, ScanError, display_name, in_series, read

MAX_FILES = 200
MAX_TOGETHER = 200_000_000  # bytes a session


@dataclass(eq=False)
class File:
    """An uploaded file: `id` is Streamlit's, `name` can be shown (as text, never as Markdown)."""

    id: str
    name: str
    data: bytes
    scan: Scan | None = None  # of a file that holds one slice, as most do
    checked: bool = False


@dataclass(frozen=True, eq=False)
class Series:
    """The files of one series, each of one slice, in the order in which they lie."""

    name: str
    files: tuple[File, ...]

    @property
    def id(self) -> str:
        """What tells it from every other."""
        return " ".join(file.id for file in self.files)


def choose_files() -> None:
    """Draw the field for uploads, what was refused, and the button that removes all."""
    # No `type`: it would refuse DICOM without an extension. What a file is, is decided by its bytes.
    key = f"upload-{st.session_state.setdefault('uploads', 0)}"
    st.file_uploader(
        "Upload scans",
        accept_multiple_files=True,
        key=key,
        on_change=_take,
        args=(key,),
        max_upload_size=MAX_BYTES // 1_000_000,
        help=f"{ACCEPTED}. A file stays in memory for this session and is written nowhere.",
    )
    _check()
    refused = st.session_state.get("refused", {})
    for name, sentence in refused.values():
        if name:
            st.text(name)  # a stranger's words: never Markdown
        st.error(sentence)
    if kept := {**st.session_state.get("worklist", {}), **refused}:
        label = "Remove the file" if len(kept) == 1 else f"Remove all {len(kept)} files"
        st.button(label, on_click=_remove_all, help="Takes the uploads out of the server's memory now.")


def choose_plane() -> None:
    """Draw the choice of a plane where one of the files is a volume that can be cut in any."""
    if any(_is_nifti(file.data) for file in st.session_state.get("worklist", {}).values()):
        st.segmented_control(
            "Plane",
            PLANES,
            default=PLANES[0],
            format_func=str.title,
            required=True,
            key="plane",
            persist_state="session",
        )


def files() -> dict[str, File | Series]:
    """Return the reader's files by name, the latest first; the slices of one series are one entry."""
    kept = list(reversed(st.session_state.get("worklist", {}).values()))
    of = {id(file.scan): file for file in kept if file.scan}
    found: dict[str, File | Series] = {}
    for scans in in_series([[file.scan] for file in kept if file.scan]):
        members = tuple(of[id(scan)] for scan in scans)
        name = members[0].name if len(members) == 1 else f"Series of {len(members)} slices ({members[0].name})"
        found[name] = members[0] if len(members) == 1 else Series(name, members)
    latest = {file.id: place for place, file in enumerate(kept)}
    found |= {file.name: file for file in kept if not file.scan}
    return dict(sorted(found.items(), key=lambda item: min(latest[part] for part in item[1].id.split(" "))))


def scans_of(name: str) -> list[Scan]:
    """Return the slices of an entry, a volume's in the plane chosen."""
    entry = files()[name]
    if isinstance(entry, Series):
        return [file.scan for file in entry.files]
    return [entry.scan] if entry.scan else _slices(entry.id, _plane(), entry.data)


def bytes_of(scan: Scan) -> bytes | None:
    """Return the file that a scan was read from; None for a sample."""
    kept = st.session_state.get("worklist", {}).values()
    return next((file.data for file in kept if sha256(file.data).hexdigest() == scan.digest), None)


def _plane() -> str:
    return st.session_state.get("plane") or PLANES[0]


@st.cache_resource(scope="session", max_entries=2, show_spinner=False)
def _slices(file_id: str, plane: str, _data: bytes) -> list[Scan]:
    # Of this session only, and few: a volume takes up to 240 MB, and is nobody else's business.
    return read(_data, plane=plane)


def _take(key: str) -> None:
    """Keep what is new in the field, under names of its own, and forget what was taken out of it."""
    kept: dict[str, File] = st.session_state.setdefault("worklist", {})
    uploads = {upload.file_id: upload for upload in st.session_state[key] or []}
    before = st.session_state.get("in-field", set())
    st.session_state["in-field"] = set(uploads)
    for name in [name for name, file in kept.items() if file.id in before - set(uploads)]:
        del kept[name]
    refused = st.session_state.get("refused", {})
    st.session_state["refused"] = {file_id: told for file_id, told in refused.items() if file_id in uploads}
    held = sum(len(file.data) for file in kept.values())
    for file_id in [file_id for file_id in uploads if file_id not in before]:
        upload = uploads[file_id]
        data = upload.getvalue()
        held += len(data)
        if len(kept) >= MAX_FILES or held > MAX_TOGETHER:
            sentence = (
                f"Not all files were taken: Candor keeps {MAX_FILES} at a time, {MAX_TOGETHER // 1_000_000} MB "
                "together. Remove some and upload the others again."
            )
            st.session_state["refused"] |= {"": ("", sentence)}
            continue
        name, number = display_name(upload.name), 1
        label = name
        while label in kept:
            number += 1
            label = f"{name} ({number})"
        kept[label] = File(file_id, label, data)


def _check() -> None:
    """Read every new file once; one that is no scan is not kept, and its sentence is."""
    new = [file for file in st.session_state.get("worklist", {}).values() if not file.checked]
    if not new:
        return
    told, chosen = st.empty(), _plane()

    def slices(file: File) -> list[Scan] | ScanError:
        # A volume may be too thin to be seen in one plane, and have others.
        planes = sorted(PLANES, key=lambda plane: plane != chosen) if _is_nifti(file.data) else (chosen,)
        for plane in planes:
            try:
                return read(file.data, plane=plane)
            except ScanError as error:
                refused = error
        return refused

    with ThreadPoolExecutor(2) as pool:  # DICOM and NIfTI are decoded in a process of their own each
        for place, (file, found) in enumerate(zip(new, pool.map(slices, new), strict=True), 1):
            if len(new) > 1:
                told.progress(place / len(new), f"Reading file {place} of {len(new)}")
            if isinstance(found, ScanError):
                st.session_state["refused"][file.id] = file.name, str(found)
                del st.session_state["worklist"][file.name]
                continue
            file.checked, file.scan = True, found[0] if len(found) == 1 else None
    told.empty()
    if taken := [file for file in new if file.checked]:
        st.session_state["opened"] = next(name for name, entry in files().items() if taken[-1].id in entry.id)


def _remove_all() -> None:
    ids = {file.id for file in st.session_state.pop("worklist", {}).values()} | set(st.session_state.pop("refused", {}))
    context = get_script_run_ctx()
    if Runtime.exists() and context:  # Streamlit would keep its own copies until the session ends
        for file_id in ids - {""}:
            Runtime.instance().uploaded_file_mgr.remove_file(context.session_id, file_id)
    st.session_state["in-field"] = set()
    st.session_state["uploads"] += 1  # a new field, which is empty
    _slices.clear()


def _is_nifti(data: bytes) -> bool:
    return data[:2] == b"\x1f\x8b" or data[344:347] == b"n+1" or data[4:7] == b"n+2"
