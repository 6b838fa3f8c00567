"""What does a bundle with every table hold? Made-up answers, counted easily, for the tests of figures and cards."""

from pathlib import Path

from model_zoo import ModelCard, write_card
from model_zoo.tables import (
    CheckRow,
    CohortRow,
    Prediction,
    SourceRow,
    write_checks,
    write_cohorts,
    write_predictions,
    write_sources,
)
from model_zoo.verify import refigure
from tests.conftest import CLASSES, tiny_network, write_bundle


def sure(label: str, p: float = 0.7) -> tuple[float, ...]:
    """Probability `p` for one class and the rest shared by the other three."""
    return tuple(p if name == label else (1 - p) / 3 for name in CLASSES)


def predictions() -> list[Prediction]:
    """48 test scans, two a group: a third with a twin, half T1 and half T2; one in eight a glioma called meningioma."""
    rows = [Prediction(f"v{i}", f"v{i}", "val", False, CLASSES[i % 4], sure(CLASSES[i % 4])) for i in range(8)]
    for i in range(48):
        said = "meningioma" if i % 8 == 0 else CLASSES[i % 4]
        sequence = "T1" if i % 2 else "T2"
        rows.append(Prediction(f"t{i}", f"g{i // 2}", "test", i % 3 == 0, CLASSES[i % 4], sure(said), sequence))
    return rows


def cohorts() -> list[CohortRow]:
    """44c: 12 scans, two of them twins, no pituitary; every second glioma is called pituitary. br35h: 4, all right."""
    rows = []
    for i in range(12):
        truth = CLASSES[i % 3]
        said = "pituitary" if i % 6 == 0 else truth
        rows.append(CohortRow("44c", f"c{i}", f"c{i}", "T1" if i < 6 else "T1C+", i in (2, 11), truth, sure(said)))
    return rows + [CohortRow("br35h", f"b{i}", f"b{i}", "", False, "notumor", sure("notumor")) for i in range(4)]


def checks() -> list[CheckRow]:
    """As is, 8 of 8 right; border only, all called glioma, 2 of 8 right."""
    as_is = [CheckRow("as is", f"s{i}", f"s{i}", CLASSES[i % 4], sure(CLASSES[i % 4])) for i in range(8)]
    border = [CheckRow("border only", r.id, r.group, r.truth, sure("glioma")) for r in as_is]
    return as_is + border


def sources() -> list[SourceRow]:
    """Three sources, 6 of 8 answers of the first right, all 4 of each other: balanced accuracy 11/12."""
    first = [SourceRow(f"k{i}", f"k{i}", "kaggle", "44c" if i < 2 else "kaggle") for i in range(8)]
    return first + [SourceRow(f"{name}{i}", f"{name}{i}", name, name) for name in ("44c", "figshare") for i in range(4)]


def write_tables(folder: Path) -> None:
    """Write all four tables."""
    write_predictions(folder / "predictions.csv", CLASSES, predictions())
    write_cohorts(folder / "cohorts.csv", CLASSES, cohorts())
    write_checks(folder / "checks.csv", CLASSES, checks())
    write_sources(folder / "sources.csv", sources())


def write_whole_bundle(folder: Path, **changes) -> ModelCard:
    """Write a bundle of the tiny network with every table, its figures and CARD.md."""
    facts = {"scans": {"train": 100, "val": 8, "test": 48}, "dataset": "Made-up answers"}
    card = write_bundle(folder, tiny_network(), **facts | changes)
    write_tables(folder)
    write_card(card, folder / "card.json")
    refigure(folder)
    return card
