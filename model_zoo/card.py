"""What must be known to feed a model, to read its answer, and to judge how far to believe it?"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from scans import InputSpec


class ModelError(ValueError):
    """A model that is missing, unknown or not what its card says: what was seen and what to do."""


@dataclass(frozen=True)
class Figure:
    """One measured number, with its 95 % interval and where it came from."""

    name: str  # "accuracy", "balanced accuracy", "macro F1"
    split: str  # "val", "test"
    subset: str  # "all scans", "no twin in training"
    value: float  # 0 to 1
    low: float
    high: float
    scans: int
    source: str  # the file of the bundle it is computed from


@dataclass(frozen=True)
class ModelCard:
    """Everything that travels with the weights, written by the trainer and never by hand."""

    id: str  # <architecture>-<task>
    title: str
    task: str
    classes: tuple[str, ...]  # class ids in logit order
    names: tuple[str, ...]  # what a reader sees, in the same order
    input: InputSpec
    tap: str  # the layer whose map Grad-CAM weighs, "outer/inner" where nested
    parameters: int
    recipe: dict[str, str | int | float]
    dataset: str
    dataset_version: str
    fingerprint: str  # sha256 over the ids, labels and splits of the scans used
    scans: dict[str, int]  # split -> number of scans
    weights_sha256: str  # of model.keras
    weights_bytes: int
    temperature: float  # logits are divided by it before the softmax
    licence: str
    figures: tuple[Figure, ...]
    limits: tuple[str, ...]

    def figure(self, name: str, split: str, subset: str = "all scans") -> Figure | None:
        """Return the figure asked for, or None where it was not measured."""
        wanted = (name, split, subset)
        return next((f for f in self.figures if (f.name, f.split, f.subset) == wanted), None)


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as JSON that a person can read."""
    path.write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n")


def read_card(path: Path) -> ModelCard:
    """Read a card. Raises ModelError where it is no JSON, or a field is missing or unknown."""
    try:
        values = json.loads(path.read_text())
        known = {field.name for field in fields(ModelCard)}
        if set(values) != known:
            differing = ", ".join(sorted(set(values) ^ known))
            raise ModelError(f"{path} has other fields than a card ({differing}); train the model again")
        shape = values["input"]
        values["input"] = InputSpec(**shape | {"value_range": tuple(shape["value_range"])})
        values["figures"] = tuple(Figure(**figure) for figure in values["figures"])
        for name in ("classes", "names", "limits"):
            values[name] = tuple(values[name])
        return ModelCard(**values)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise ModelError(f"{path} cannot be read as a model card ({error}); train the model again") from error
