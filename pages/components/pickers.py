"""Which scan, which model, which question? The choices a reader makes before anything is asked."""

import streamlit as st

from explain import METHODS, Budget, png
from explain.render.overlay import gray, squared
from model_zoo import ModelCard, ModelError, models
from pages.components.requests import Choice
from pages.components.uploads import choose_files, choose_plane, files, scans_of
from scans import PHANTOM_SAMPLES, Scan, ScanError, phantom

BUDGETS = (5, 15, 30, 60)  # seconds
_SPLITS = {"test": "test", "val": "validation"}
_KEEP = {"persist_state": "session"}  # the same question on every page
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


def choose_scan() -> Scan | None:
    """Return the slice to look at, of an upload or a sample: one for all pages. A file that is no scan is told why."""
    choose_files()
    choose_plane()
    choice = _pick([*files(), *SAMPLES])
    if choice is None:
        return None
    if choice in SAMPLES:
        st.caption(SYNTHETIC)
        return sample(choice)
    try:
        return _slice(scans_of(choice))
    except ScanError as error:  # this plane is too thin; another one is not
        st.error(str(error))
        return None


def _pick(options: list[str]) -> str | None:
    """Return the name of the scan to show: of one just opened, or named in the address, else what the reader picks."""
    named = next((name for name in SAMPLES if _in_address(name) == st.query_params.get("sample")), None)
    # Streamlit keeps a widget's value for its own page only.
    known = st.session_state.pop("opened", None) or st.session_state.get("scan", st.session_state.get("open", named))
    st.session_state["scan"] = known if known in options else None
    choice = st.selectbox("Scan", options, index=None, placeholder="Choose a sample", key="scan")
    st.session_state["open"] = choice
    # Never the name of a file: it may be a patient's, and addresses are kept and passed on.
    told = _in_address(choice) if choice in SAMPLES else None
    if told != st.query_params.get("sample"):
        st.query_params.from_dict(st.query_params.to_dict() | {"sample": told or []})
    return choice


def _in_address(sample: str) -> str:
    return sample.partition(":")[0].lower().replace(" ", "-")


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


def slices() -> list[Scan]:
    """Return all slices of the volume that the reader looks at, [] where it is no volume."""
    choice = st.session_state.get("scan")
    found = scans_of(choice) if choice in files() else []
    return found if len(found) > 1 else []


def place() -> int:
    """Return which of `slices` is shown."""
    return st.session_state.get("place", 0)


def go_to(place: int) -> None:
    """Open another slice; to be called before the page is drawn, as a widget's callback is."""
    st.session_state[st.session_state["slice-key"]] = place + 1


def _slice(scans: list[Scan]) -> Scan:
    """Return one of a volume's slices, the middle one until the reader chooses another."""
    if len(scans) == 1:
        st.query_params.pop("slice", None)
        return scans[0]
    first = scans[0]
    key = st.session_state["slice-key"] = f"slice-{first.digest}-{first.plane}-{len(scans)}"
    kept = st.session_state.setdefault("slices", {})  # Streamlit keeps a widget's value for its own page only
    st.session_state.setdefault(key, kept.get(key, 1 + len(scans) // 2))
    kept[key] = st.slider("Slice", 1, len(scans), key=key)
    if st.query_params.get("slice") != str(kept[key]):
        st.query_params["slice"] = str(kept[key])
    st.session_state["place"] = kept[key] - 1
    return scans[kept[key] - 1]


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
    for split, title in _SPLITS.items():
        if accuracy := card.score("accuracy", split):
            st.caption(f"{card.title}. Accuracy on {accuracy.scans:,} {title} scans: {accuracy.percent()}.")
            break
    names = {"": "The model's answer"} | dict(zip(card.classes, card.names, strict=True))
    target = st.selectbox("Class to explain", list(names), format_func=names.get, key=f"class-{card.id}", **_KEEP)
    titles = {name: method.title for name, method in METHODS.items()}
    method = METHODS[
        st.selectbox("Method", list(METHODS), format_func=titles.get, key="method", help=_ORDER, bind="query-params")
    ]
    with st.expander("Method settings"):
        engine = st.selectbox(
            "Engine",
            list(method.engines),
            key=f"engine-{method.id}",
            **_KEEP,
            help="Implementations of the same formula; the first is the fast one.",
        )
        seconds = st.selectbox(
            "Budget",
            BUDGETS,
            index=BUDGETS.index(Budget.seconds),
            format_func="{} seconds".format,
            key="budget",
            **_KEEP,
            help="The time after which the best map so far is shown. Most maps are stable long before.",
        )
        seed = _seed() if method.random else 0
    return card, Choice(target, method.id, engine, seed, float(seconds))


def _seed() -> int:
    told = "Where the drawing of samples starts. A map that changes with it says little."
    return int(st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", help=told, **_KEEP))
