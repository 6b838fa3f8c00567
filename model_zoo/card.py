"""The card of a model: how to feed it, how to read its prediction, and what it scored."""

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path

from model_zoo.card_check import first_fault
from model_zoo.estimate import Estimate
from model_zoo.whole_files import write_whole
from scans import InputSpec


class ModelError(ValueError):
    """A model that is missing, unknown or not what its card says. The message tells what is wrong and what to do."""


@dataclass(frozen=True)
class Score:
    """One measured value of a model, with its 95 % interval and where it came from."""

    name: str  # "accuracy", "macro F1", "recall of glioma", ...
    split: str  # "val", "test", "cohort 44c", "shortcut test"
    subset: str  # "all scans", "no near-duplicate in training", "sequence T1", the name of a shortcut test
    estimate: Estimate  # 0 to 1
    source: str  # the file of the bundle it is computed from


@dataclass(frozen=True)
class ModelCard:
    """Everything that travels with the weights, written by the trainer and never by hand."""

    id: str  # <architecture>-<task>
    title: str
    task: str
    classes: tuple[str, ...]  # class ids in logit order
    names: tuple[str, ...]  # what the user sees, in the same order
    input: InputSpec
    tap: str  # the layer of the feature map that class activation maps weigh, "outer/inner" where nested
    parameters: int  # all of them, trained or not
    recipe: dict[str, str | int | float]
    dataset: str
    dataset_version: str
    fingerprint: str  # sha256 over the ids, labels and splits of the scans used
    scans: dict[str, int]  # split -> number of scans
    weights_sha256: str  # of model.keras, or of model.onnx
    weights_bytes: int
    temperature: float  # logits are divided by it before the softmax
    licence: str
    scores: tuple[Score, ...]
    limits: tuple[str, ...]
    published: str = ""  # what the authors report and where; "" where nobody published this system
    same: tuple[str, ...] = ()  # what this bundle has of the published system
    differences: tuple[str, ...] = ()  # how this bundle differs from the published system
    trainable_parameters: int = 0  # the others were frozen; 0: not recorded
    # level in per cent -> class -> threshold in millionths, see model_zoo/conformal.py
    conformal: dict[str, dict[str, int]] = field(default_factory=dict)
    operating_point: float = 0.0  # least confidence that is answered in selective prediction, model_zoo/selective.py
    gate: dict[str, float] = field(default_factory=dict)  # of the gate alone: its limits, see model_zoo/gate.py
    # of a model that somebody else made: its file and what was said of it, see model_zoo/imported.py
    imported: dict[str, str] = field(default_factory=dict)
    training: dict[str, float] = field(default_factory=dict)  # "epochs", "best_epoch", "seconds_per_epoch", ...

    @property
    def weights_file(self) -> str:
        """The name of the weights in the bundle."""
        return "model.onnx" if self.imported.get("format") == "ONNX" else "model.keras"

    @property
    def differentiable(self) -> bool:
        """Whether there is a network to take gradients and feature maps from; an ONNX file gives logits alone."""
        return self.imported.get("format") != "ONNX"

    def score(self, name: str, split: str, subset: str = "all scans") -> Estimate | None:
        """Return the estimate of one score, or None where it was not measured."""
        key = (name, split, subset)
        return next((s.estimate for s in self.scores if (s.name, s.split, s.subset) == key), None)


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as JSON that a person can read."""
    write_whole(path, json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n")


_REMEDY = "restore the file or train the model again"


def read_card(path: Path) -> ModelCard:
    """Read a card.

    Raises ModelError where it is no JSON, a field is unknown, or missing and has no default, or holds what it may not.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        needed = {f.name for f in fields(ModelCard) if f.default is f.default_factory is MISSING}
        allowed = {f.name for f in fields(ModelCard)}
        if differing := (needed - set(values)) | (set(values) - allowed):
            names = ", ".join(sorted(differing))
            raise ModelError(f"{path} has other fields than a card ({names}); {_REMEDY}")
        shape = values["input"]
        values["input"] = InputSpec(**shape | {"value_range": tuple(shape["value_range"])})
        values["scores"] = tuple(
            Score(**score | {"estimate": Estimate(**score["estimate"])}) for score in values["scores"]
        )
        for name in {"classes", "names", "limits", "same", "differences"} & set(values):
            values[name] = tuple(values[name]) if isinstance(values[name], list) else values[name]
        card = ModelCard(**values)
        fault = first_fault(card)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path} cannot be read as a model card ({error}); {_REMEDY}") from error
    if fault:
        raise ModelError(f"{path} cannot be read as a model card: {fault}; {_REMEDY}")
    return card
