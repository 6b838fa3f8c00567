"""A bundle with every table, of made-up predictions that are easily counted, for the tests of scores and cards."""

from pathlib import Path

from model_zoo import ModelCard, write_card
from model_zoo.tables import (
    CohortRow,
    PredictionRow,
    ShortcutRow,
    SourceRow,
    write_cohorts,
    write_predictions,
    write_shortcut_tests,
    write_sources,
)
from model_zoo.verify import recompute
from tests.conftest import CLASSES, tiny_network, write_bundle


def sure(label: str, p: float = 0.7) -> tuple[float, ...]:
    """Probability `p` for one class and the rest shared by the other three."""
    return tuple(p if name == label else (1 - p) / 3 for name in CLASSES)


def predictions() -> list[PredictionRow]:
    """48 test scans, two per group, a third near-duplicates, half T1, half T2; 1 in 8 a glioma predicted meningioma."""
    rows = [PredictionRow(f"v{i}", f"v{i}", "val", False, CLASSES[i % 4], sure(CLASSES[i % 4])) for i in range(8)]
    for i in range(48):
        predicted = "meningioma" if i % 8 == 0 else CLASSES[i % 4]
        sequence = "T1" if i % 2 else "T2"
        rows.append(PredictionRow(f"t{i}", f"g{i // 2}", "test", i % 3 == 0, CLASSES[i % 4], sure(predicted), sequence))
    return rows


def cohorts() -> list[CohortRow]:
    """44c: 12 scans, 2 near-duplicates, no pituitary; every second glioma is predicted pituitary. br35h: 4, correct."""
    rows = []
    for i in range(12):
        truth = CLASSES[i % 3]
        predicted = "pituitary" if i % 6 == 0 else truth
        rows.append(CohortRow("44c", f"c{i}", f"c{i}", "T1" if i < 6 else "T1C+", i in (2, 11), truth, sure(predicted)))
    return rows + [CohortRow("br35h", f"b{i}", f"b{i}", "", False, "notumor", sure("notumor")) for i in range(4)]


def shortcut_rows() -> list[ShortcutRow]:
    """As is, 8 of 8 correct; border only, all predicted glioma, 2 of 8 correct."""
    as_is = [ShortcutRow("as is", f"s{i}", f"s{i}", CLASSES[i % 4], sure(CLASSES[i % 4])) for i in range(8)]
    border = [ShortcutRow("border only", r.id, r.group, r.truth, sure("glioma")) for r in as_is]
    return as_is + border


def sources() -> list[SourceRow]:
    """Three sources, 6 of 8 of the first predicted correctly, all 4 of each other: balanced accuracy 11/12."""
    first = [SourceRow(f"k{i}", f"k{i}", "kaggle", "44c" if i < 2 else "kaggle") for i in range(8)]
    return first + [SourceRow(f"{name}{i}", f"{name}{i}", name, name) for name in ("44c", "figshare") for i in range(4)]


def write_tables(folder: Path) -> None:
    """Write all four tables."""
    write_predictions(folder / "predictions.csv", CLASSES, predictions())
    write_cohorts(folder / "cohorts.csv", CLASSES, cohorts())
    write_shortcut_tests(folder / "shortcut_tests.csv", CLASSES, shortcut_rows())
    write_sources(folder / "sources.csv", sources())


def write_whole_bundle(folder: Path, **changes) -> ModelCard:
    """Write a bundle of the tiny network with every table, its scores and CARD.md."""
    facts = {"scans": {"train": 100, "val": 8, "test": 48}, "dataset": "Made-up answers"}
    card = write_bundle(folder, tiny_network(), **facts | changes)
    write_tables(folder)
    write_card(card, folder / "card.json")
    recompute(folder)
    return card
