"""The bundles whose performance is drawn: cards and tables, read once and again when a file changes."""

from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from datasets.cards import DATASETS
from datasets.cohorts import COHORT_TITLES
from datasets.label_map import common_label
from model_zoo import ModelCard, ModelError, bundle_folder, read_card, zoo_folder
from model_zoo.history import HISTORY, History, read_history
from model_zoo.performance import (
    Predictions,
    by_class,
    chance_by_test,
    chance_of_probe,
    precision_recall,
    reliability,
    roc,
    scan_sets,
)
from model_zoo.scores import SOURCE_PROBE, rows_of
from model_zoo.tables import (
    COHORTS,
    PREDICTIONS,
    SHORTCUTS,
    SOURCES,
    read_cohorts,
    read_predictions,
    read_shortcut_tests,
    read_sources,
)
from model_zoo.zoo import MEASURED

# in the order of the page
COLLECTIONS = {name: COHORT_TITLES[name] for name in ("44c", "kaggle", "figshare", "br35h", "dementia")}
CURVES = {"ROC": roc, "precision-recall": precision_recall}
_MEASURES = {"by class": by_class, "reliability": reliability} | {
    name: lambda predictions, curve=curve: [curve(predictions, k) for k in range(predictions.p.shape[1])]
    for name, curve in CURVES.items()
}
_MISSING = {
    PREDICTIONS: "its predictions on its own test scans were not kept, so only the scores of its card are shown.",
    COHORTS: "it was not validated on other collections.",
    SHORTCUTS: "its shortcut tests were not made.",
}

Key = tuple[str, str]  # split and subset, as on the card
_State = tuple[str, int, int]  # path, time of the last change in ns, bytes: the key of a cached table


@dataclass(frozen=True)
class Bundle:
    """One model's card and predictions. `problems`: a sentence for each table that is missing or cannot be read."""

    card: ModelCard
    folder: Path
    sets: dict[Key, Predictions] = field(default_factory=dict)
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


def cards_kept_for_their_results() -> tuple[dict[str, ModelCard], list[str]]:
    """Return the cards of models that are not offered for new scans, and a sentence for each that cannot be read."""
    cards, problems = {}, []
    for path in sorted((zoo_folder() / MEASURED).glob("[!.]*/card.json")):
        try:
            cards[path.parent.name] = read_card(path)
        except ModelError as error:
            problems.append(str(error))
    return cards, problems


def bundle(name: str, card: ModelCard) -> Bundle:
    """Return a bundle with all the sets of scans that can be read; `problems` names the tables that cannot."""
    shipped = bundle_folder(name)
    folder = shipped if (shipped / "card.json").exists() else zoo_folder() / MEASURED / name
    sets, problems = {}, {}
    for table in (PREDICTIONS, COHORTS):
        if (state := _state(folder / table)) is None:
            how = f"measure it with `python -m train judge {name}`." if card.imported else _MISSING[table]
            problems[table] = f"{name} has no {table}: {how}"
            continue
        try:
            prefix = DATASETS[card.task].folder if card.task in DATASETS else ""
            sets |= _sets(state, card.classes, prefix, rows_of(card, table))
        except ModelError as error:
            problems[table] = f"{error}."
    return Bundle(card, folder, sets, problems)


def chances_of(bundle: Bundle) -> dict[str, float] | str:
    """Return the balanced accuracy by chance in each shortcut test and the source probe, or why it is not known."""
    if (state := _state(bundle.folder / SHORTCUTS)) is None:
        return f"{bundle.name} has no {SHORTCUTS}: {_MISSING[SHORTCUTS]}"
    try:
        counted = rows_of(bundle.card, SHORTCUTS), rows_of(bundle.card, SOURCES)
        return _chances(state, _state(bundle.folder / SOURCES), bundle.card.classes, *counted)
    except ModelError as error:
        return f"{error}."


def history_of(bundle: Bundle) -> History | str:
    """Return the history of the training, or why it is not known."""
    if (state := _state(bundle.folder / HISTORY)) is None:
        return f"{bundle.name} has no {HISTORY}: the course of its training was not kept."
    try:
        return _history(state)
    except ModelError as error:
        return f"{error}."


def _state(path: Path) -> _State | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return str(path), stat.st_mtime_ns, stat.st_size


@st.cache_data(max_entries=64, show_spinner=False)
def _sets(state: _State, classes: tuple[str, ...], prefix: str, rows: dict[str, int]) -> dict[Key, Predictions]:
    """Return the predictions in a table; every id as a path below the folder of the data, as cohorts.csv has them.

    `rows` are those that the card counts.
    """
    path = Path(state[0])
    if path.name == COHORTS:
        return scan_sets(read_cohorts(path, classes, rows), classes)
    return scan_sets(read_predictions(path, classes, rows), classes, f"{prefix}/" if prefix else "")


@st.cache_data(max_entries=32, show_spinner=False)
def _chances(
    tests: _State, sources: _State | None, classes: tuple[str, ...], rows: dict[str, int], source_rows: dict[str, int]
) -> dict[str, float]:
    chances = chance_by_test(read_shortcut_tests(Path(tests[0]), classes, rows))
    return chances | ({SOURCE_PROBE: chance_of_probe(read_sources(Path(sources[0]), source_rows))} if sources else {})


@st.cache_data(max_entries=32, show_spinner=False)
def _history(state: _State) -> History:
    return read_history(Path(state[0]))


@st.cache_data(max_entries=256, show_spinner=False)
def _measured(what: str, state: _State, classes: tuple[str, ...], key: Key, _predictions: Predictions):
    return _MEASURES[what](_predictions)
