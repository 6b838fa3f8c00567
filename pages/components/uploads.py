"""The user's uploads, kept from page to page until they are removed.

Streamlit forgets what stands in an upload field as soon as another page is opened, and so the files are kept in the
memory of this session, and nowhere else. What is taken out of the field is forgotten here, too.
"""

from hashlib import sha256
from secrets import token_hex

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.caching import clear_session_data_cache, clear_session_resource_cache
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components.fetch_from_pacs import offer_fetch, stop_fetching
from pages.components.reading import read_new, stop_reading
from pages.components.state import Entry, PageState, Upload, state
from pages.components.upload_bounds import why_dropped
from scans import (
    ACCEPTED,
    MAX_BYTES,
    MAX_FILES,
    MAX_TOGETHER,
    PLANES,
    Scan,
    ScanError,
    display_name,
    in_series,
    is_pair_header,
    is_volume,
    is_zip,
    joined,
    packed_within,
    pair_names,
    read,
    unpacked,
)

File = tuple[str, str, bytes]  # the id of an upload, the name as it came, the bytes

UPLOADS = "uploads"  # key of the container of the field
DROP_LABEL = "Drop scans here: files, a folder, or a ZIP archive of one study"  # of the field before there is a scan
_ACCEPTED = (
    f"{ACCEPTED}. Up to {MAX_FILES} files of {MAX_BYTES // 1_000_000} MB at most; the slices of a series may come as "
    "single files. They stay in memory for this session and are written nowhere."
)
_REFUSALS = 5  # files whose sentences are drawn


def choose_files(large: bool) -> None:
    """Draw the field for uploads, what was refused, and the button that removes all.

    The field is `large` where there is no scan yet. It keeps its place: drawn elsewhere, it would forget which files
    the browser did not send because they are too large.
    """
    session = state()
    # No `type`: it would refuse DICOM without an extension. What a file is, is decided by its bytes.
    key = f"upload-{session.renewals.get('upload', 0)}"
    with st.container(key=UPLOADS, gap="xsmall"):
        st.file_uploader(
            DROP_LABEL if large else "Add scans",
            accept_multiple_files=True,
            key=key,
            on_change=_take,
            args=(key,),
            max_upload_size=MAX_BYTES // 1_000_000,
            help=None if large else _ACCEPTED,
        )
        if large:
            st.caption(_ACCEPTED)
    offer_fetch(_keep_fetched)
    read_new()
    _open_what_came(session)
    if session.left_over:
        st.error(session.left_over)
    for name, sentence in list(session.refused.values())[:_REFUSALS]:
        st.text(name)  # a stranger's words: never Markdown
        st.error(sentence)
    if (more := len(session.refused) - _REFUSALS) > 0:
        st.error(f"{more} more {'file' if more == 1 else 'files'} could not be read.")
    if count := len(session.uploads) + len(session.refused):
        label = "Remove the file" if count == 1 else f"Remove all {count} files"
        st.button(label, on_click=_remove_all, help="Deletes the uploads from the server's memory now.")


def choose_plane(entry: Entry) -> None:
    """Draw the choice of a plane where the open file is a volume that can be cut in any."""
    if not entry.scans and is_volume(entry.uploads[0].data):
        session = state()
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
    latest_first = [upload for upload in reversed(session.uploads.values()) if upload.read and not upload.refusal]
    single = [upload for upload in latest_first if upload.scan]
    owner = {upload.digest: upload for upload in reversed(single)} | {id(upload.scan): upload for upload in single}
    listed = []
    for scans in in_series([[upload.scan] for upload in single]):
        members = tuple(owner.get(id(scan)) or owner[scan.digest] for scan in scans)
        name = members[0].name
        if len(members) > 1:
            stack = f", {scans[0].stack}" if scans[0].stack else ""
            name = f"Series of {len(members)} slices{stack} ({name})"
        listed.append(Entry(name, members, tuple(scans)))
    listed += [Entry(upload.name, (upload,)) for upload in latest_first if not upload.scan]
    place = {upload.id: number for number, upload in enumerate(latest_first)}
    listed.sort(key=lambda entry: min(place[upload.id] for upload in entry.uploads))
    return {entry.name: entry for entry in listed}


def _open_what_came(session: PageState) -> None:
    """Open the last scan that came, once it is read; until then the open one stays, under the name it has now."""
    done = {upload.id for upload in session.uploads.values() if upload.read and not upload.refusal}
    if session.listed != len(done):  # looked at once in a run of the page: other threads read on meanwhile
        session.entries, session.listed = None, len(done)
    listed = entries()
    came = bool(session.arrived & done)
    if not session.batches:  # else the last of them may still have to be read
        session.arrived = frozenset()
    if came:
        session.scan = next(iter(listed))
    elif session.scan is not None and session.scan not in listed and session.open_uploads:
        alike = (name for name, entry in listed.items() if session.open_uploads & {each.id for each in entry.uploads})
        session.scan = next(alike, session.scan)
    entry = listed.get(session.scan)
    session.open_uploads = frozenset(upload.id for upload in entry.uploads) if entry else frozenset()


def choose_stack(entry: Entry, stacks: tuple[str, ...]) -> None:
    """Draw the choice between the stacks of a file, where it holds several."""
    if stacks:
        digest = entry.uploads[0].digest
        chosen = state().stacks
        chosen[digest] = st.selectbox(
            "Stack",
            stacks,
            stacks.index(chosen.get(digest) or stacks[0]),
            key=f"stack-{digest}",
            help="What this file holds: each stack has its own grey range. The models know magnitude images.",
        )


def slices_of(entry: Entry) -> list[Scan]:
    """Return the slices of an entry, a volume's in the plane and of the stack chosen.

    Raises ScanError where that plane is too thin.
    """
    if entry.scans:
        return list(entry.scans)
    upload = entry.uploads[0]
    return _volume(upload.digest, state().plane, chosen_stack(entry), upload)


def chosen_stack(entry: Entry) -> str:
    """Return the name of the stack of a file that was chosen on a page, "" for the first."""
    return "" if entry.scans else state().stacks.get(entry.uploads[0].digest, "")


def bytes_of(scan: Scan) -> bytes | None:
    """Return the file that a scan was read from; None for a sample."""
    return next((upload.data for upload in state().uploads.values() if upload.digest == scan.digest), None)


@st.cache_resource(scope="session", max_entries=2, show_spinner=False)
def _volume(digest: str, plane: str, stack: str, _upload: Upload) -> list[Scan]:
    # Of this session only, and few: a volume takes up to 240 MB, and is nobody else's business.
    kept, _upload.slices = _upload.slices, None
    if kept and not stack and kept[0].plane in ("", plane):
        return kept
    return read(_upload.data, plane=plane, stack=stack)


def _take(key: str) -> None:
    """Keep what is new in the field, under names of its own, and forget what was taken out of it."""
    session = state()
    in_field = {upload.file_id: upload for upload in st.session_state[key] or []}
    removed = session.in_field - set(in_field)
    new = [upload for file_id, upload in in_field.items() if file_id not in session.in_field]
    session.in_field, session.entries = set(in_field), None
    for upload in list(session.uploads.values()):
        if upload.field_id in removed:
            upload.read = True  # whoever is about to read it need not
            del session.uploads[upload.name]
    session.refused = {
        file_id: refusal for file_id, refusal in session.refused.items() if file_id.partition("/")[0] in in_field
    }
    _keep(session, _with_pairs_joined(session, [file for sent in new for file in _files(session, sent)]))


def _keep_fetched(files: list[bytes]) -> None:
    """Keep the files of a series from a PACS, under names that tell nothing of it, as if they had been uploaded."""
    session = state()
    batch = f"pacs-{token_hex(8)}"
    _keep(session, [(f"{batch}/{place}", f"PACS image {place}", data) for place, data in enumerate(files, 1)])
    session.entries = None


def _keep(session: PageState, files: list[File]) -> None:
    """Keep files under names of their own, as many as the session has room for."""
    session.left_over = ""
    held = sum(len(upload.data) for upload in session.uploads.values())
    for upload_id, name, data in files:
        held += len(data)
        if len(session.uploads) >= MAX_FILES or held > MAX_TOGETHER:
            session.left_over = (
                f"Not all files were taken: Candor keeps {MAX_FILES} at a time, {MAX_TOGETHER // 1_000_000} MB "
                "together. Remove some and upload the others again."
            )
            break
        name = _own_name(display_name(name), session.uploads)
        field_id = upload_id.partition("/")[0]
        session.uploads[name] = Upload(upload_id, field_id, name, data, sha256(data).hexdigest())
        session.arrived |= {upload_id}  # not only once it is read: a scan may be chosen in the meantime


def _with_pairs_joined(session: PageState, files: list[File]) -> list[File]:
    """Return the files with the header and the voxels of each Analyze or NIfTI pair as one file."""
    place = {name: number for number, (_, name, _) in reversed(list(enumerate(files)))}  # the first of each name
    result: list[File | None] = list(files)
    for header, voxels in pair_names(list(place)):
        upload_id, _, data = files[place[header]]
        if not is_pair_header(data):
            continue
        result[place[voxels]] = None
        try:
            result[place[header]] = upload_id, header, joined(data, files[place[voxels]][2])
        except ScanError as error:
            result[place[header]] = None
            session.refused[upload_id] = display_name(header), str(error)
    return [file for file in result if file]


def _files(session: PageState, sent) -> list[File]:
    """Return a file from the field, or each file in it where it is an archive."""
    if dropped := why_dropped(sent):
        session.refused[sent.file_id] = display_name(sent.name), dropped
        return []
    data = sent.getvalue()
    if not is_zip(data):
        return [(f"{sent.file_id}/", sent.name, data)]
    members, refusal = [], ""
    try:
        members = list(unpacked(data))
    except ScanError as error:
        refusal = str(error)
    inner = sum(is_zip(content) for _, content in members)
    if refusal or inner:
        session.refused[sent.file_id] = display_name(sent.name), refusal or packed_within(inner)
    return [
        (f"{sent.file_id}/{place}", name, content)
        for place, (name, content) in enumerate(members)
        if not is_zip(content)
    ]


def _own_name(name: str, taken: dict[str, Upload]) -> str:
    label, number = name, 1
    while label in taken:
        number += 1
        label = f"{name} ({number})"
    return label


def remove(entry: Entry) -> None:
    """Remove the files of one entry from memory; the others stay."""
    session = state()
    gone = (*entry.uploads, *_copies_of(entry))
    for upload in gone:
        session.uploads.pop(upload.name, None)
    held = {upload.field_id for upload in session.uploads.values()}
    drop_copies({upload.field_id for upload in gone} - held)  # an archive stays while a file of it does
    session.entries, session.left_over = None, ""
    _forget_what_was_made()


def _copies_of(entry: Entry) -> list[Upload]:
    """Return what was uploaded again of the slices of a series, and is in no entry: it would come up in their place."""
    listed = {upload.id for each in entries().values() for upload in each.uploads}
    slices = {scan.pixels_sha256 for scan in entry.scans}
    others = [upload for upload in state().uploads.values() if upload.id not in listed and upload.scan]
    return [upload for upload in others if upload.scan.pixels_sha256 in slices]


def drop_copies(ids: set[str]) -> None:
    """Remove files of the field from Streamlit's memory, which would keep them until the session ends."""
    context = get_script_run_ctx()
    if Runtime.exists() and context:
        for file_id in ids:
            Runtime.instance().uploaded_file_mgr.remove_file(context.session_id, file_id)


def _remove_all() -> None:
    session = state()
    kept = {upload.field_id for upload in session.uploads.values()}
    drop_copies(session.in_field | kept | {upload_id.partition("/")[0] for upload_id in session.refused})
    stop_reading()
    stop_fetching()
    session.uploads, session.refused, session.in_field, session.entries = {}, {}, set(), None
    session.pacs_series, session.pacs_error, session.left_over = (), "", ""
    session.renewals["upload"] = session.renewals.get("upload", 0) + 1  # a new field, which is empty
    _forget_what_was_made()


def _forget_what_was_made() -> None:
    """Remove all that this session keeps of its scans: slices, pictures, voxels. What is still shown is made again."""
    if context := get_script_run_ctx():
        clear_session_data_cache(context.session_id)
        clear_session_resource_cache(context.session_id)
