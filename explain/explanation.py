"""An explanation: a map in the scan's pixels, with all that is needed to repeat and to judge it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from model_zoo.whole_files import append_line, write_whole
from scans import Scan, slice_key

FAINT = 1e-6  # share of the strongest value: evidence for the class below it is rounding error
NOT_FOR_DIAGNOSIS = "Not for diagnosis. A heatmap is evidence about the model, not about the patient."


@dataclass(frozen=True, eq=False)  # two maps are compared by their arrays, which == cannot
class Explanation:
    """The result of one method for one scan, model and class. Evidence about the model, not the patient.

    `heat` is float32 (H, W) in the pixels of the scan as uploaded, in `unit`, never rescaled; 0 where the scan was
    cropped away before the model. Where `signed`, values below 0 are evidence against the class; elsewhere there are
    none. `raw` is float32 (h', w'), the method's own grid over the model's square.
    """

    heat: np.ndarray
    raw: np.ndarray
    method: str
    engine: str
    unit: str
    model: str
    weights: str  # sha256 of the model's weights
    target: str  # id of the explained class
    predicted: str  # id of the predicted class
    probabilities: tuple[float, ...]  # of all classes, in the card's order
    probability: float  # of `target`
    scan: str  # sha256 of the scan's file
    slice: int
    plane: str
    stack: str  # of the file, "" where it has but one
    grey_range: tuple[float, float]  # stored values of the scan that were black and white
    settings: tuple[tuple[str, str], ...]  # name, value
    seed: int
    seconds: float
    evaluations: int  # forward passes of the model
    signed: bool = False  # below 0 is evidence against the class
    stopped: str = "complete"  # or "stable": refined no further, or "time": cut off by the time limit
    stability: float | None = None  # rank correlation with the map of at most half the samples, -1 to 1; None: one map
    notes: tuple[str, ...] = ()  # what the method reports of its own fit
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()  # of the prediction: why its set is wide, or that the gate would withhold it
    calibration: str = ""  # the site that the model was calibrated to, in a sentence; "" for its own calibration

    def __post_init__(self) -> None:
        for name in ("heat", "raw"):
            values = np.array(getattr(self, name), np.float32)
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @property
    def scan_key(self) -> str:
        """The key of the explained slice, as `Scan.key`."""
        return slice_key(self.scan, self.stack, self.plane, self.slice, self.grey_range)

    def belongs_to(self, scan: Scan, weights_sha256: str) -> bool:
        """Return whether this is an explanation of that slice by a model with those weights."""
        return self.scan_key == scan.key and self.weights == weights_sha256

    def manifest(self) -> dict:
        """Return everything but the arrays, ready for JSON, with the map's shape and range."""
        facts = asdict(self)
        del facts["heat"], facts["raw"]
        facts["settings"] = dict(self.settings)
        facts["seconds"] = round(self.seconds, 4)
        facts["stability"] = None if self.stability is None else round(self.stability, 4)
        facts["probability"] = round(self.probability, 6)
        facts["probabilities"] = [round(p, 6) for p in self.probabilities]
        return facts | {
            "shape": list(self.heat.shape),
            "range": [float(self.heat.min()), float(self.heat.max())],
            "raw_shape": list(self.raw.shape),
            "note": NOT_FOR_DIAGNOSIS,
        }

    def save(self, folder: Path, stem: str) -> Path:
        """Write `<stem>.<method>.npy`, append the manifest to `explanations.jsonl`, return the map's path.

        Both are written whole or not at all, and the line follows the map. Raises OSError, as on a full disk.
        """
        path = folder / f"{stem}.{self.method}.npy"
        write_whole(path, lambda part: np.save(part, self.heat))
        append_line(folder / "explanations.jsonl", json.dumps({"map": path.name} | self.manifest(), ensure_ascii=False))
        return path
