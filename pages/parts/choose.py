"""Which scan, which model, which question? The choices a reader makes before anything is asked."""

import streamlit as st

from explain import METHODS, Budget, png
from explain.picture.overlay import gray, squared
from explain.verdict import in_per_cent
from model_zoo import ModelCard, ModelError, models
from pages.parts.waiting import Choice
from scans import ACCEPTED, MAX_BYTES, PHANTOM_SAMPLES, PLANES, Scan, ScanError, display_name, phantom, read

MAX_FILES = 20
BUDGETS = (5, 15, 30, 60)  # seconds
_SPLITS = {"test": "test", "val": "validation"}
_THUMBNAIL = 164  # pixels: six in a row, two on a phone
_ORDER = (
    "From quick to thorough: the first five read the model's last feature map, the next four its gradients, pixel by "
    "pixel, and the last four hide parts of the scan and see what changes."
)
_LESIONS = {
    "glioma": "glioma-like",
    "meningioma": "meningioma-like",
    "notumor": "no lesion",
    "pituitary": "pituitary-like",
}
SAMPLES = {
    f"Phantom {number}: {_LESIONS[kind]}": (kind, seed) for number, (kind, seed) in enumerate(PHANTOM_SAMPLES, 1)
}
SYNTHETIC = (
    "Phantoms are synthetic heads, drawn with a lesion of known kind. Models trained on patients may misread them."
)


@st.cache_resource(scope="session", max_entries=2, show_spinner=False)
def _scans_of(file_id: str, plane: str, _data: bytes) -> list[Scan]:
    # Of this session only, and few: a volume takes up to 240 MB, and is nobody else's business.
    return read(_data, plane=plane)


@st.cache_data(scope="session", max_entries=10 * MAX_FILES, show_spinner=False)
def _refusal(file_id: str, plane: str, _data: bytes) -> str:
    """Return why a file is no scan, "" where it is one."""
    try:
        _scans_of(file_id, plane, _data)
    except ScanError as error:
        return str(error)
    return ""


def choose_scan() -> Scan | None:
    """Return the slice to look at, of an upload or a sample. A file that is no scan gets its sentence."""
    files = _uploads()
    plane = _plane() if any(map(_is_nifti, (data for _, data in files.values()))) else PLANES[0]
    readable = []
    for name, (file_id, data) in files.items():
        if sentence := _refusal(file_id, plane, data):
            st.text(name)  # a stranger's words: never Markdown
            st.error(sentence)
        else:
            readable.append(name)
    choice = _pick([*reversed(readable), *SAMPLES], bool(readable))
    if choice is None:
        return None
    if choice in SAMPLES:
        st.caption(SYNTHETIC)
        return sample(choice)
    file_id, data = files[choice]
    return _slice(_scans_of(file_id, plane, data))


def _pick(options: list[str], uploaded: bool) -> str | None:
    """Return the name of the scan to show: of a sample opened in the gallery, else what the reader picks."""
    opened = st.session_state.pop("opened", None)
    # The key changes with the uploads, so that a new one, which comes first, is shown at once.
    key = f"scan-{options[: -len(SAMPLES)]}"
    if opened in SAMPLES:
        st.session_state[key] = opened
    elif key not in st.session_state:
        st.session_state[key] = options[0] if uploaded else None
    return st.selectbox("Scan", options, index=None, placeholder="Choose a sample", key=key)


@st.cache_data(show_spinner=False)
def sample(name: str) -> Scan:
    """Return a phantom by its name in SAMPLES."""
    return phantom(*SAMPLES[name]).scan


@st.cache_data(show_spinner=False)
def _thumbnail(name: str) -> bytes:
    return png(gray(squared(sample(name).pixels, (1.0, 1.0), 2 * _THUMBNAIL)))


def gallery() -> None:
    """Draw the samples; a click on one opens it."""
    with st.container(horizontal=True, gap="small"):
        for name in SAMPLES:
            with st.container(width=_THUMBNAIL, gap="xsmall"):
                st.image(_thumbnail(name), alt=name, width="stretch", output_format="PNG")
                st.button(name, on_click=st.session_state.update, args=({"opened": name},), width="stretch")
    st.caption(SYNTHETIC)


def _uploads() -> dict[str, tuple[str, bytes]]:
    """Return id and bytes of each uploaded file by a name that can be shown, numbered where two are alike."""
    # No `type`: it would refuse DICOM without an extension. What a file is, is decided by its bytes.
    uploads = st.file_uploader(
        "Upload scans",
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 1_000_000,
        help=f"{ACCEPTED}. A file stays in memory for this session and is written nowhere.",
    )
    if len(uploads) > MAX_FILES:
        st.warning(f"{len(uploads)} files are more than Candor takes at once; these are the last {MAX_FILES}.")
    files = {}
    for upload in uploads[-MAX_FILES:]:
        name, number = display_name(upload.name), 1
        label = name
        while label in files or label in SAMPLES:
            number += 1
            label = f"{name} ({number})"
        files[label] = (upload.file_id, upload.getvalue())
    return files


def _is_nifti(data: bytes) -> bool:
    return data[:2] == b"\x1f\x8b" or data[344:347] == b"n+1" or data[4:7] == b"n+2"


def _plane() -> str:
    return st.segmented_control("Plane", PLANES, default=PLANES[0], format_func=str.title, required=True, key="plane")


def _slice(scans: list[Scan]) -> Scan:
    """Return one of a volume's slices, the middle one until the reader moves the slider."""
    if len(scans) == 1:
        return scans[0]
    first = scans[0]
    key = f"slice-{first.digest}-{first.plane}"
    return scans[st.slider("Slice", 1, len(scans), 1 + len(scans) // 2, key=key) - 1]


def require_models() -> dict[str, ModelCard]:
    """Return the cards by id, the app's default first; where there are none, say so and end the page."""
    try:
        cards = models()
    except ModelError as error:
        st.error(str(error))
        st.stop()
    if not cards:
        st.error("The zoo holds no model yet. Train one with `python -m train`, or restore the folder model_zoo.")
        st.stop()
    return cards


def choose_model(cards: dict[str, ModelCard]) -> ModelCard:
    """Return the card of the model that the reader works with: one for all pages, and in the address."""
    return cards[st.selectbox("Model", list(cards), key="model", bind="query-params")]


def choose_question(cards: dict[str, ModelCard]) -> tuple[ModelCard, Choice]:
    """Return the model's card, and what is asked of it."""
    card = choose_model(cards)
    if measured := card.figure("accuracy", "test") or card.figure("accuracy", "val"):
        st.caption(
            f"{card.title}. Accuracy on {measured.scans:,} {_SPLITS[measured.split]} scans: {in_per_cent(measured)}."
        )
    names = {"": "The model's answer"} | dict(zip(card.classes, card.names, strict=True))
    target = st.selectbox("Class to explain", list(names), format_func=names.get, key=f"class-{card.id}")
    method = METHODS[
        st.selectbox("Method", list(METHODS), format_func=lambda name: METHODS[name].title, key="method", help=_ORDER)
    ]
    with st.expander("Method settings"):
        engine = st.selectbox(
            "Engine",
            list(method.engines),
            key=f"engine-{method.id}",
            help="Implementations of the same formula; the first is the fast one.",
        )
        seconds = st.selectbox(
            "Budget",
            BUDGETS,
            index=BUDGETS.index(Budget.seconds),
            format_func="{} seconds".format,
            key="budget",
            help="The time after which the best map so far is shown. Most maps are stable long before.",
        )
        seed = _seed() if method.drawn else 0
    return card, Choice(target, method.id, engine, seed, float(seconds))


def _seed() -> int:
    told = "Where the drawing of samples starts. A map that changes with it says little."
    return int(st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", help=told, persist_state="session"))
