"""Verification of bundles: every number on a card must follow from the files beside it.

`python -m model_zoo verify` computes all of them again and prints each difference; `recompute` corrects a card. The
folder `measured/` of the zoo holds the cards and tables of models that are kept for their results: their weights are
left out, but for those of a teacher.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from model_zoo.card import ModelCard, ModelError, Score, read_card, write_card
from model_zoo.card_markdown import CARD, model_card_markdown, write_model_card
from model_zoo.estimate import Estimate
from model_zoo.gate import GATE_TASK
from model_zoo.gate_scores import GATE_TABLE, gate_limits, gate_scores, read_gate_table
from model_zoo.scores import measured_of
from model_zoo.seeds import seed_differences
from model_zoo.tables import COHORTS, PREDICTIONS, SHORTCUTS, SIMILAR, SOURCES, read_predictions
from model_zoo.weights import sha256_of
from model_zoo.whole_files import replace_folder
from model_zoo.zoo import MEASURED, imported_folder, zoo_folder

TABLES = (PREDICTIONS, COHORTS, SHORTCUTS, SOURCES, SIMILAR, GATE_TABLE)


def bundle_folders(names: Sequence[str] = ()) -> list[Path]:
    """Return the folders of the named bundles, or of all: first the shipped ones, then those without weights,
    then the imported.

    Raises ModelError on an unknown id, and where the zoo has no bundle.
    """
    zoo = zoo_folder()
    places = (zoo, zoo / MEASURED, imported_folder())
    folders = [path.parent for place in places for path in sorted(place.glob("[!.]*/card.json"))]
    listed = ", ".join(folder.name for folder in folders)
    if not folders:
        raise ModelError(f"{zoo} has no model yet; train one with `python -m train`")
    if unknown := set(names) - {folder.name for folder in folders}:
        raise ModelError(f"no model {unknown.pop()[:80]!r}; the zoo has {listed}")
    return [folder for folder in folders if not names or folder.name in names]


def shelve(folder: Path) -> Path:
    """Keep a bundle's card and tables in the zoo's `measured/`, without its weights; return the new folder.

    An older folder of the same id is replaced whole. Raises ModelError where `folder` is no bundle.
    """
    card = read_card(folder / "card.json")
    place = zoo_folder() / MEASURED / card.id
    part = place.with_name(f".{card.id}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".csv", ".md"):
            shutil.copy(path, part / path.name)
    return replace_folder(part, place)


def differences(folder: Path) -> list[str]:
    """Return a sentence for each disagreement between a bundle's files and its card."""
    try:
        card = read_card(folder / "card.json")
    except ModelError as error:
        return [f"{error}."]
    problems = [f"The card says that its id is {card.id!r}, its folder is {folder.name!r}."] * (card.id != folder.name)
    if folder.parent.name != MEASURED or (folder / card.weights_file).exists():
        problems += _weights(card, folder)
    try:
        problems += _scores(card, folder) + _scans(card, folder)
        return problems + seed_differences(card, folder) + _model_card(card, folder)
    except ModelError as error:  # a table that cannot be read: nothing after it can be computed
        return [*problems, f"{error}."]


def checked(folder: Path) -> str:
    """Return what `differences` compared, for a bundle without a difference."""
    card = read_card(folder / "card.json")
    weights = "" if folder.parent.name == MEASURED else f"{card.weights_bytes:,} bytes of weights, "
    return f"{weights}{len(card.scores)} scores from {' and '.join(_tables(folder))}, {CARD}"


def recompute(folder: Path) -> int:
    """Compute the scores again, write card.json and CARD.md, and return how many scores changed.

    Raises ModelError, and writes nothing, where a table that the card cites is missing or cannot be read.
    """
    card = read_card(folder / "card.json")
    if gone := _missing(card, folder):
        raise ModelError(f"{folder.name} has no {gone[0]}, which its card cites; restore it or measure the model again")
    fresh = replace(card, **_measured(card, folder))
    write_model_card(fresh, folder)
    write_card(fresh, folder / "card.json")
    return len(set(card.scores) ^ set(fresh.scores))


def _measured(card: ModelCard, folder: Path) -> dict:
    """Return the fields of a card that follow from its tables."""
    if card.task == GATE_TASK:
        rows = read_gate_table(folder / GATE_TABLE)
        limits = gate_limits(rows)
        return {"scores": gate_scores(rows, limits), "gate": limits}
    return measured_of(folder, card.classes)


def _tables(folder: Path) -> list[str]:
    return [name for name in TABLES if (folder / name).exists()]


def _missing(card: ModelCard, folder: Path) -> list[str]:
    return sorted({score.source for score in card.scores} - set(_tables(folder)))


def _weights(card: ModelCard, folder: Path) -> list[str]:
    path = folder / card.weights_file
    try:
        sha256 = sha256_of(path)
    except ModelError as error:
        return [f"{error}."]
    problems, size = [], path.stat().st_size
    if size != card.weights_bytes:
        problems.append(f"{path.name} has {size:,} bytes, the card says {card.weights_bytes:,}.")
    if sha256 != card.weights_sha256:
        problems.append(f"{path.name} has the sha256 {sha256[:12]}…, the card says {card.weights_sha256[:12]}….")
    return problems


def _scores(card: ModelCard, folder: Path) -> list[str]:
    if not _tables(folder):
        problem = f"There is none of {', '.join(TABLES)}: no score of this card can be computed."
        return [problem] if card.scores or not card.imported else []  # an imported model need not be measured
    problems = [f"{name} is missing: the card's scores from it cannot be computed." for name in _missing(card, folder)]
    fresh = _measured(card, folder)
    computed = {_key(score): score for score in fresh["scores"]}
    stated = {_key(score): score for score in card.scores}
    problems += [f"The card has {key} more than once." for key, n in Counter(map(_key, card.scores)).items() if n > 1]
    for key, score in stated.items():
        if key not in computed:
            problems += [f"The card has {key}, which does not follow from its tables."] * (
                score.source in _tables(folder)
            )
        elif score != computed[key]:
            problems.append(
                f"The card has {key} as {_numbers(score.estimate)}; the file gives {_numbers(computed[key].estimate)}."
            )
    if card.gate != fresh.get("gate", {}):
        problems.append("The card's limits do not follow from the validation pictures.")
    if card.operating_point != fresh.get("operating_point", 0.0):
        problems.append("The card's operating point does not follow from the validation scans.")
    if card.conformal != fresh.get("conformal", {}):
        problems.append("The card's conformal thresholds do not follow from the validation scans.")
    return problems + [f"The card lacks {key}." for key in computed if key not in stated]


def _scans(card: ModelCard, folder: Path) -> list[str]:
    """Compare the number of scans of every evaluated split; the training scans have no predictions."""
    if not (folder / PREDICTIONS).exists():
        return []
    counts = Counter(row.split for row in read_predictions(folder / PREDICTIONS, card.classes))
    return [
        f"{PREDICTIONS} has {count:,} scans of the split {split}, the card says {card.scans.get(split, 0):,}."
        for split, count in counts.items()
        if count != card.scans.get(split, 0)
    ]


def _model_card(card: ModelCard, folder: Path) -> list[str]:
    path = folder / CARD
    written = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    same = written == model_card_markdown(card, folder)
    return [] if same else [f"{CARD} is not the one that follows from the card; run `python -m model_zoo cards`."]


def _key(score: Score) -> str:
    return f"the {score.name} of {score.split}, {score.subset}, from {score.source}"


def _numbers(estimate: Estimate) -> str:
    return f"{estimate.decimal()} on {estimate.scans:,} scans"
