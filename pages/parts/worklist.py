"""Which scans has this reader brought? The uploaded files, kept from page to page until they are removed.

Streamlit forgets an upload field as soon as another page is opened, and so the files are taken out of it at once.
They stay in the memory of this session only.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from scans import ACCEPTED, MAX_BYTES, PLANES, Scan, ScanError, display_name, read

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
    for name, sentence in st.session_state.get("refused", []):
        if name:
            st.text(name)  # a stranger's words: never Markdown
        st.error(sentence)
    if kept := files():
        label = "Remove the file" if len(kept) == 1 else f"Remove all {len(kept)} files"
        st.button(label, on_click=_remove_all, help="Takes the uploads out of the server's memory now.")


def choose_plane() -> None:
    """Draw the choice of a plane where one of the files is a volume that can be cut in any."""
    if any(_is_nifti(file.data) for file in files().values()):
        st.segmented_control(
            "Plane",
            PLANES,
            default=PLANES[0],
            format_func=str.title,
            required=True,
            key="plane",
            persist_state="session",
        )


def files() -> dict[str, File]:
    """Return the reader's files by name, the latest first."""
    return dict(reversed(st.session_state.get("worklist", {}).items()))


def scans_of(name: str) -> list[Scan]:
    """Return the slices of a file, in the plane chosen."""
    file = files()[name]
    return [file.scan] if file.scan else _slices(file.id, _plane(), file.data)


def _plane() -> str:
    return st.session_state.get("plane") or PLANES[0]


@st.cache_resource(scope="session", max_entries=2, show_spinner=False)
def _slices(file_id: str, plane: str, _data: bytes) -> list[Scan]:
    # Of this session only, and few: a volume takes up to 240 MB, and is nobody else's business.
    return read(_data, plane=plane)


def _take(key: str) -> None:
    """Keep what was uploaded, under names of its own, and empty the field; the last of them is opened."""
    kept: dict[str, File] = st.session_state.setdefault("worklist", {})
    st.session_state["refused"] = []
    held = sum(len(file.data) for file in kept.values())
    for upload in st.session_state[key] or []:
        data = upload.getvalue()
        held += len(data)
        if len(kept) >= MAX_FILES or held > MAX_TOGETHER:
            sentence = (
                f"Not all files were taken: Candor keeps {MAX_FILES} at a time, {MAX_TOGETHER // 1_000_000} MB "
                "together. Remove some and upload the others again."
            )
            st.session_state["refused"] = [("", sentence)]
            _forget(upload.file_id)
            continue
        name, number = display_name(upload.name), 1
        label = name
        while label in kept:
            number += 1
            label = f"{name} ({number})"
        kept[label] = File(upload.file_id, label, data)
    st.session_state["uploads"] += 1


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
                st.session_state["refused"].append((file.name, str(found)))
                del st.session_state["worklist"][file.name]
                _forget(file.id)
                continue
            file.checked, file.scan = True, found[0] if len(found) == 1 else None
            st.session_state["opened"] = file.name
    told.empty()


def _remove_all() -> None:
    for file in st.session_state.pop("worklist", {}).values():
        _forget(file.id)
    st.session_state.pop("refused", None)
    _slices.clear()


def _forget(file_id: str) -> None:
    """Let Streamlit drop its own copy of an upload, which it would keep until the session ends."""
    context = get_script_run_ctx()
    if Runtime.exists() and context:
        Runtime.instance().uploaded_file_mgr.remove_file(context.session_id, file_id)


def _is_nifti(data: bytes) -> bool:
    return data[:2] == b"\x1f\x8b" or data[344:347] == b"n+1" or data[4:7] == b"n+2"
