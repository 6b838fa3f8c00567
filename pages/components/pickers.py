"""What the user chooses before anything is requested: the scan, the slice, the model, the method and its settings."""

from dataclasses import dataclass, field

import streamlit as st

from explain import METHODS, Method, methods_for
from explain.request import DEFAULTS, SETTINGS, Setting
from model_zoo import ModelCard, models
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from pages.components.address import follow_address, write_address
from pages.components.broken_models import tell_broken_models
from pages.components.navigation import WELCOME
from pages.components.rail import place_rail
from pages.components.reading import still_reading
from pages.components.samples import SAMPLES, SYNTHETIC, address_of, sample
from pages.components.state import renew, state, widget_key
from pages.components.uploads import choose_files, choose_plane, choose_stack, entries, slices_of
from pages.viewer.pictures import slices_key
from scans import Scan, ScanError

# The first that was measured is shown.
_ACCURACIES = (
    ("test", NO_NEAR_DUPLICATE, "test scans without a near-duplicate in training"),
    ("test", ALL_SCANS, "test scans"),
    ("val", ALL_SCANS, "validation scans"),
)
_METHOD_ORDER = (
    "From fast to thorough: the first five read the model's last feature map, the next four its gradients, pixel by "
    "pixel, and the last four hide parts of the scan and measure what changes."
)


@dataclass(frozen=True, eq=False)
class Open:
    """The scan on the page, and the slices of its volume or series, [] where it has only one.

    It is not `complete` while other slices of its series are being read: its grey range may change.
    """

    scan: Scan
    volume: list[Scan] = field(default_factory=list)
    place: int = 0  # of `scan` in `volume`
    complete: bool = True

    def go_to(self, place: int) -> None:
        """Open another slice; to be called before the page is drawn, as a widget's callback is."""
        self._move_to(place)
        state().slice_chosen = True

    def _move_to(self, place: int) -> None:
        state().slices[_volume_key(self.volume)] = _slice_id(self.volume[place])
        renew(_slider(self.volume))

    def take_place(self, step: object) -> None:
        """Open the slice that the user went to in a viewer: `step` is the key of the slices there, and the place.

        Among other slices than these the place would be that of another slice. Where the page's own controls chose a
        slice in the same message, that was later: a step waits for the page, they do not.
        """
        if state().slice_chosen:
            return
        key, place = step if isinstance(step, list) and len(step) == 2 else (None, None)
        if not (isinstance(place, int) and 0 <= place < len(self.volume) and key == slices_key(self.volume)):
            return
        if state().slices.get(_volume_key(self.volume)) != _slice_id(self.volume[place]):  # drawn is an older choice
            self._move_to(place)
            state().slice_moved = True  # the rest of the page is about that slice, too


def choose_scan(title: str, words: str) -> Open | None:
    """Return the open slice of an upload or a sample, the same on all pages, and take the place of the worklist rail.

    A file that is no scan gets a sentence. Where nothing is open, draw the `title` and the `words` of the page above a
    large field for uploads.
    """
    session = state()
    session.slice_moved = session.slice_chosen = False
    follow_address({address_of(name): name for name in SAMPLES})
    welcome = st.container()
    choose_files(large=session.scan is None and not session.uploads)
    if session.scan is not None and session.scan not in (*entries(), *SAMPLES):  # its file was removed
        session.scan = None
    name = session.scan
    write_address("sample", address_of(name) if name in SAMPLES else None)
    place_rail()
    if name is None:
        with welcome.container(key=WELCOME):
            st.title(title, anchor=False)
            st.write(words)
        return None
    welcome.empty()  # at once: what a run of a page does not draw again would stay until its end
    return _opened(name)


def _opened(name: str) -> Open | None:
    """Return the open slice of the entry or the sample of a name."""
    if name in SAMPLES:
        st.caption(SYNTHETIC)
        write_address("slice", None)
        return Open(sample(name))
    entry = entries()[name]
    try:
        choose_plane(entry)
        choose_stack(entry, slices_of(entry)[0].stacks)
        return _choose_slice(slices_of(entry))  # of another stack, where that was chosen
    except ScanError as error:  # this plane is too thin; another one is not
        st.error(str(error))
        return None


def _choose_slice(volume: list[Scan]) -> Open:
    """Return one of the slices: the middle one, or that of the link, until the user chooses another.

    Of a series that is still being read, what the user chose is kept, and its middle and the link wait for the rest.
    """
    session, complete = state(), not (still_reading() and volume[0].series)
    if len(volume) == 1:
        if complete:
            write_address("slice", None)
        return Open(volume[0], complete=complete)
    kept, key, linked = session.slices, _volume_key(volume), ""
    if complete:
        linked, session.linked_slice = session.linked_slice, ""
    ids = [_slice_id(scan) for scan in volume]
    numbers = [str(number) for number in range(1, len(volume) + 1)]
    place = numbers.index(linked) if linked in numbers else len(volume) // 2
    if kept.get(key) in ids:
        place = ids.index(kept[key])
    slider = widget_key(_slider(volume))
    number = st.slider("Slice", 1, len(volume), place + 1, key=slider, on_change=_take_slider, args=(volume, slider))
    if complete or number != place + 1:
        kept[key] = ids[number - 1]
    if complete:
        write_address("slice", str(number))
    return Open(volume[number - 1], volume, number - 1, complete)


def _take_slider(volume: list[Scan], slider: str) -> None:
    session = state()
    session.slices[_volume_key(volume)] = _slice_id(volume[st.session_state[slider] - 1])
    session.slice_moved = session.slice_chosen = True


def _volume_key(volume: list[Scan]) -> str:
    """Return what tells a volume or a series from others, however many of its slices have been read."""
    first = volume[0]
    return f"{first.series or first.digest}-{first.stack}-{first.plane}"


def _slider(volume: list[Scan]) -> str:
    return f"slice-{_volume_key(volume)}-{len(volume)}"


def _slice_id(scan: Scan) -> tuple[str, int]:
    return scan.digest, scan.index


def show_method(method: str) -> None:
    """Explain by another method; to be called before the page is drawn, as a widget's callback is."""
    state().method = method
    renew("method")


def require_models() -> dict[str, ModelCard]:
    """Return the cards by id, the app's default first; where there are none, say so and end the page."""
    cards = models()
    if tell_broken_models() and not cards:
        st.stop()
    if not cards:
        st.error("The zoo holds no model yet. Train one with `python -m train`, or restore the folder model_zoo.")
        st.stop()
    return cards


def choose_model(cards: dict[str, ModelCard]) -> ModelCard:
    """Return the card of the model that the user works with: the same on all pages, and in the address."""
    return cards[st.selectbox("Model", list(cards), key="model", bind="query-params")]


def choose_settings(cards: dict[str, ModelCard]) -> tuple[ModelCard, str, dict]:
    """Return the model's card, the method's id, and the other fields of a request: class, engine and settings."""
    session, card = state(), choose_model(cards)
    for split, subset, scans in _ACCURACIES:
        if accuracy := card.score("accuracy", split, subset):
            st.caption(f"{card.title}. Accuracy on {accuracy.scans:,} {scans}: {accuracy.percent()}.")
            break
    names = {"": "The predicted class"} | dict(zip(card.classes, card.names, strict=True))
    linked, session.linked_class = session.linked_class, None
    if linked in names and linked != session.targets.get(card.id, ""):
        session.targets[card.id] = linked
        renew(f"class-{card.id}")
    target = session.targets[card.id] = st.selectbox(
        "Explain the evidence for",
        list(names),
        list(names).index(session.targets.get(card.id, "")),
        format_func=names.get,
        key=widget_key(f"class-{card.id}"),
    )
    write_address("class", target)
    titles = {name: method.title for name, method in METHODS.items()}
    session.method = st.selectbox(
        "Method",
        list(METHODS),
        list(METHODS).index(session.method),
        format_func=titles.get,
        key=widget_key("method"),
        help=_METHOD_ORDER,
    )
    write_address("method", session.method if session.method != next(iter(METHODS)) else None)
    method = METHODS[session.method]
    if method.id not in (possible := methods_for(card)):
        instead = METHODS[possible[0]]
        st.caption(
            f"{method.title} needs {method.needs}, which {card.id} does not give: {instead.title} takes its place. "
            f"Possible are {', '.join(titles[name] for name in possible)}."
        )
        method = instead
    with st.expander("Method settings"):
        engines = list(method.engines)
        engine = session.engines[method.id] = st.selectbox(
            "Engine",
            engines,
            engines.index(session.engines.get(method.id, engines[0])),
            key=f"engine-{method.id}",
            help="Implementations of the same method; the first is the fast one, whose maps were evaluated.",
        )
        settings = {name: _choose_setting(name, setting, method) for name, setting in SETTINGS.items()}
    return card, method.id, {"target": target, "engine": engine, **settings}


def _choose_setting(name: str, setting: Setting, method: Method) -> int | float:
    """Draw the control of one setting, and return its value; the default where the method takes no account of it."""
    kept = state().settings
    if setting.random_only and not method.random:
        return DEFAULTS[name]
    if setting.choices:
        kept[name] = st.selectbox(
            setting.label,
            setting.choices,
            setting.choices.index(kept[name]),
            format_func=f"{{}} {setting.unit}".format,
            key=name,
            help=setting.help,
        )
    else:
        kept[name] = st.number_input(setting.label, 0, setting.most, int(kept[name]), key=name, help=setting.help)
    return kept[name]
