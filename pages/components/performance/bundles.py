"""Which models can be judged, and what did they answer? A bundle's tables, read once as long as the files stay."""

from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from datasets.cards import DATASETS
from datasets.cohorts import COHORT_TITLES
from datasets.label_map import common_label
from model_zoo import ModelCard, ModelError, read_card, zoo_folder
from model_zoo.performance import (
    HISTORY,
    Answers,
    History,
    by_class,
    chance_of_probe,
    chances,
    precision_recall,
    read_history,
    reliability,
    roc,
    scan_sets,
)
from model_zoo.scores import ALL, APART
from model_zoo.tables import (
    CHECKS,
    COHORTS,
    PREDICTIONS,
    SOURCES,
    read_checks,
    read_cohorts,
    read_predictions,
    read_sources,
)
from model_zoo.verify import MEASURED

COLLECTIONS = {name: COHORT_TITLES[name] for name in ("44c", "kaggle", "figshare", "br35h")}  # in their order here
PROBED = "source probe"  # its name among the checks of a card
CURVES = {"ROC": roc, "precision-recall": precision_recall}
_MEASURES = {"by class": by_class, "reliability": reliability} | {
    name: lambda said, curve=curve: [curve(said, k) for k in range(said.p.shape[1])] for name, curve in CURVES.items()
}

Key = tuple[str, str]  # split and subset, as on the card
_State = tuple[str, int, int]  # path, time of the last change in ns, bytes: what a cached table is known by


@dataclass(frozen=True)
class Bundle:
    """One model's card and answers. `problems`: for each table that is missing or cannot be read, a sentence."""

    card: ModelCard
    folder: Path
    sets: dict[Key, Answers] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The id, by which charts name the model."""
        return self.folder.name

    def place_of(self, label: str, classes: tuple[str, ...]) -> int | None:
        """Return which of its own classes is the class `label` of a model with `classes`, None where none is."""
        own = common_label(label, self.card.classes)
        return self.card.classes.index(own) if own and common_label(own, classes) == label else None

    def measured(self, what: str, key: Key):
        """Return `what` of one set of scans: "by class", "reliability", or a list of curves by their kind."""
        table = COHORTS if key[0].startswith("cohort ") else PREDICTIONS
        return _measured(what, _state(self.folder / table), self.card.classes, key, self.sets[key])


def cards_without_weights() -> tuple[dict[str, ModelCard], list[str]]:
    """Return the cards of systems that were measured and are not shipped, and what is wrong with those unreadable."""
    cards, problems = {}, []
    for path in sorted((zoo_folder() / MEASURED).glob("[!.]*/card.json")):
        try:
            cards[path.parent.name] = read_card(path)
        except ModelError as error:
            problems.append(str(error))
    return cards, problems


def bundle(name: str, card: ModelCard) -> Bundle:
    """Return a bundle with all the sets of scans that can be read; what cannot is told in `problems`."""
    shipped = zoo_folder() / name
    folder = shipped if (shipped / "card.json").exists() else zoo_folder() / MEASURED / name
    sets, problems = {}, {}
    for table in (PREDICTIONS, COHORTS):
        if (state := _state(folder / table)) is None:
            problems[table] = f"{name} has no {table}: {_MISSING[table]}"
            continue
        try:
            sets |= _sets(state, card.classes, DATASETS[card.task].folder if card.task in DATASETS else "")
        except ModelError as error:
            problems[table] = f"{error}."
    return Bundle(card, folder, sets, problems)


_MISSING = {
    PREDICTIONS: "what it said of its own test scans was not kept, so only the figures on its card can be shown.",
    COHORTS: "it was not asked about the scans of all collections.",
    CHECKS: "it was not asked about changed scans.",
}


def blind(bundle: Bundle) -> dict[str, float] | str:
    """Return what chance gets in each check, the source probe included, or the sentence why nobody knows."""
    if (state := _state(bundle.folder / CHECKS)) is None:
        return f"{bundle.name} has no {CHECKS}: {_MISSING[CHECKS]}"
    try:
        return _blind(state, _state(bundle.folder / SOURCES), bundle.card.classes)
    except ModelError as error:
        return f"{error}."


def history_of(bundle: Bundle) -> History | str:
    """Return how the model was trained, or the sentence that says why that is not known."""
    if (state := _state(bundle.folder / HISTORY)) is None:
        return f"{bundle.name} has no {HISTORY}: how its training went was not kept."
    try:
        return _history(state)
    except ModelError as error:
        return f"{error}."


def title_of(key: Key) -> str:
    """Return the name of a set of scans for a reader."""
    split, subset = key
    if split in _TITLES:
        return _TITLES[split][subset == APART]
    cohort = split.removeprefix("cohort ")
    return f"{COLLECTIONS.get(cohort, cohort)}, test scans{' without a twin in training' * (subset == APART)}"


_TITLES = {
    "test": ("All test scans", "Test scans without a twin in training"),
    "val": ("Validation scans", "Validation scans"),
}


def comparable(first: Bundle, second: Bundle, key: Key) -> str:
    """Return the sentence on what of two models cannot be compared over a set of scans, "" where all of it can."""
    if key not in second.sets:
        return f"{second.name} was not asked about these scans, so {first.name} stands alone here."
    differ = first.card.classes != second.card.classes
    a, b = set(first.sets[key].ids), set(second.sets[key].ids)
    if not differ and a == b:
        return ""
    alike = f"{len(a & b):,} of which are the same" if a & b else "none of which are the same"
    scans = "the same scans" if a == b else f"scans, {alike} ({first.name}: {len(a):,}, {second.name}: {len(b):,})"
    if not differ:
        return f"Not quite the same question: the two are judged on {scans}."
    labels = zip(first.card.names, first.card.classes, strict=True)
    shared = [name for name, label in labels if second.place_of(label, first.card.classes) is not None]
    lines = f"only {', '.join(shared)} can be laid over each other" if shared else "nothing can be laid over each other"
    return (
        f"{first.name} and {second.name} answer with different classes, on {scans}: by class, {lines}; means over the "
        "classes, confusion matrices and accuracies are of different tasks."
    )


def keys_of(bundle: Bundle, *, elsewhere: bool) -> list[Key]:
    """Return the sets of scans that a reader may choose, the most honest one first."""
    own = [key for key in (("test", APART), ("test", ALL), ("val", ALL)) if key in bundle.sets]
    return own + [key for key in bundle.sets if elsewhere and key[0].startswith("cohort ")]


def _state(path: Path) -> _State | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_mtime_ns, found.st_size


@st.cache_data(max_entries=64, show_spinner=False)
def _sets(state: _State, classes: tuple[str, ...], prefix: str) -> dict[Key, Answers]:
    """Return the answers in a table; every id as a path below the folder of the data, as cohorts.csv has them."""
    path = Path(state[0])
    if path.name == COHORTS:
        return scan_sets(read_cohorts(path, classes), classes)
    return scan_sets(read_predictions(path, classes), classes, f"{prefix}/" if prefix else "")


@st.cache_data(max_entries=32, show_spinner=False)
def _blind(checks: _State, sources: _State | None, classes: tuple[str, ...]) -> dict[str, float]:
    found = chances(read_checks(Path(checks[0]), classes))
    return found | ({PROBED: chance_of_probe(read_sources(Path(sources[0])))} if sources else {})


@st.cache_data(max_entries=32, show_spinner=False)
def _history(state: _State) -> History:
    return read_history(Path(state[0]))


@st.cache_data(max_entries=256, show_spinner=False)
def _measured(what: str, state: _State, classes: tuple[str, ...], key: Key, _said: Answers):
    return _MEASURES[what](_said)
