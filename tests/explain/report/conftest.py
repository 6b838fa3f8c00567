"""A report of a disc by a model with scores of its own, with maps whose values are known."""

from datetime import datetime

import numpy as np
import pytest

from explain import METHODS, Explanation
from explain.report import ReportInput
from model_zoo import Estimate, ModelCard, Score
from scans import Scan, read
from tests.conftest import made_up_card
from tests.explain.conftest import explanation
from tests.good_files import disc, png

P = (0.0625, 0.7031, 0.2188, 0.0156)
DATE = datetime(2026, 11, 21, 17, 10)
HOSTILE = "<script>alert('x')</script><img src=http://evil.example/p.png> ![](http://evil.example/q.png)"


def score(name: str, split: str = "test", subset: str = "no near-duplicate in training", value: float = 0.875) -> Score:
    return Score(name, split, subset, Estimate(value, value - 0.05, value + 0.05, 1234), "predictions.csv")


SCORES = (
    score("accuracy", subset="all scans", value=0.9123),
    score("accuracy", value=0.8456),
    score("precision of meningioma", value=0.7701),
    score("recall of meningioma", value=0.6602),
    score("recall of glioma", value=0.1111),
    score("expected calibration error", value=0.0631),
    score("balanced accuracy", "cohort 44c", value=0.5503),
)


def card(**changes) -> ModelCard:
    facts = {
        "dataset": "Phantoms",
        "dataset_version": "1",
        "fingerprint": "f" * 64,
        "weights_sha256": "a" * 64,
        "scores": SCORES,
        "limits": ("It knows nothing of knees.", "It was trained once."),
    }
    return made_up_card(**facts | changes)


def explained(scan: Scan, model: ModelCard, method: str = "gradcam", **changes) -> Explanation:
    """Return a map of a scan that is 1 in one spot, and -1 in another where the method keeps signs."""
    heat = np.zeros(scan.shape, np.float32)
    rows, columns = scan.shape
    heat[rows // 4 : rows // 2, columns // 4 : columns // 2] = 1
    signed = METHODS[method].signed
    if signed:
        heat[rows // 2 : 3 * rows // 4, columns // 2 : 3 * columns // 4] = -1
    facts = {
        "heat": heat,
        "raw": heat[::4, ::4],
        "method": method,
        "engine": next(iter(METHODS[method].engines)),
        "unit": METHODS[method].unit,
        "model": model.id,
        "weights": model.weights_sha256,
        "target": "meningioma",
        "predicted": "meningioma",
        "probabilities": P,
        "probability": P[1],
        "scan": scan.digest,
        "slice": scan.index,
        "plane": scan.plane,
        "stack": scan.stack,
        "grey_range": scan.grey_range,
        "seed": 7,
        "seconds": 0.25,
        "evaluations": 321,
        "signed": signed,
    }
    return explanation(**facts | changes)


def report_of(data: bytes = b"", methods: tuple[str, ...] = ("gradcam",), index: int = 0, **changes) -> ReportInput:
    """Return a report of a file's slice by the tiny model, with a map by each method."""
    scan = read(data or png(disc()))[index]
    model = changes.pop("card", card())
    facts = {
        "scan": scan,
        "card": model,
        "probabilities": P,
        "explanations": tuple(explained(scan, model, method) for method in methods),
        "date": DATE,
    }
    return ReportInput(**facts | changes)


@pytest.fixture(scope="session")
def report() -> ReportInput:
    """A report of a disc, with one map that has signs and one that has none."""
    return report_of(methods=("gradcam", "lime"))
