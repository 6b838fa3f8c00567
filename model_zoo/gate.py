"""The gate before every prediction: what a picture is, and whether a model may predict from it.

One small network looks at the whole picture, as it was sent, and says which kind it is, in which plane and of which
sequence, and whether there is enough brain in it. Beside it stands a score without labels: how far the picture lies
from the heads that the gate was trained on, for what nobody thought of. No other network is asked about a picture that
is not one head in MRI.

The gate is a bundle like any other, in the folder `GATE`; `python -m train candor-gate` makes it. Its classes are the
kinds; its network also returns the logits of the other aspects and the features of the distance, side by side.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from model_zoo.card import ModelCard, ModelError, read_card
from model_zoo.runtime import Runtime, make_runtime
from model_zoo.self_test import require_same_logits
from model_zoo.weights import load_checked
from model_zoo.whole_files import read_arrays, write_arrays
from scans import ACCEPTED, Scan, fit

GATE = "candor-gate"
GATE_TASK = "gate"  # of a bundle that says what a picture is, and classifies nothing
REFERENCE = "reference.npz"  # of a gate's bundle: the features of the heads that a distance is measured to
NEIGHBOURS = 5  # the distance is that to the fifth nearest

KIND, PLANE, SEQUENCE, BRAIN = "kind", "plane", "sequence", "brain"
# what the gate says of a picture -> class id -> what the user sees, in the order of the logits
ASPECTS: dict[str, dict[str, str]] = {
    KIND: {
        "head": "one head in MRI",
        "heads": "several heads",
        "other-mri": "an MRI of another part of the body",
        "ct": "a CT",
        "radiograph": "a radiograph",
        "photo": "a photograph or a screenshot",
        "unreadable": "blank, a negative or unreadable",
    },
    PLANE: {"axial": "axial", "coronal": "coronal", "sagittal": "sagittal"},
    SEQUENCE: {"T1": "T1", "T1C+": "T1 with contrast agent", "T2": "T2", "FLAIR": "FLAIR"},
    BRAIN: {"enough": "enough brain", "little": "little brain"},
}
PARTS: dict[str, slice] = {}  # aspect -> its part of the logits, which stand side by side
for _name, _classes in ASPECTS.items():
    _start = sum(part.stop - part.start for part in PARTS.values())
    PARTS[_name] = slice(_start, _start + len(_classes))
LOGITS = sum(map(len, ASPECTS.values()))
UNKNOWN = "unknown"  # of a plane or sequence that the gate is not sure of
HEAD, ENOUGH = "head", "enough"


@dataclass(frozen=True)
class GateResult:
    """What the gate says of a picture.

    `probabilities` are by aspect and class id; `distance` is that from known heads, 1 at the largest that is accepted.
    """

    kind: str
    plane: str  # or UNKNOWN
    sequence: str  # or UNKNOWN
    brain: str
    probabilities: dict[str, dict[str, float]]
    distance: float
    withheld: str  # the sentence on why nothing is predicted, or ""

    def as_dict(self) -> dict:
        """Return what the commands print and what results carry."""
        return {
            "kind": self.kind,
            "plane": self.plane,
            "sequence": self.sequence,
            "brain": self.brain,
            "distance": round(self.distance, 3),
            "probabilities": {
                aspect: {label: round(p, 4) for label, p in by_class.items()}
                for aspect, by_class in self.probabilities.items()
            },
        }


@dataclass(frozen=True)
class Gate:
    """A loaded gate. `reference` is float32 (R, F), the features of known heads."""

    card: ModelCard
    runtime: Runtime
    reference: np.ndarray

    def outputs(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits, float32 (N, LOGITS), and distances, float32 (N,), for a batch made by `fit`."""
        given = self.runtime.logits(batch)
        if not np.isfinite(given).all():
            raise ModelError(f"{self.card.id} gave values that are not finite; its weights may be broken")
        return given[:, :LOGITS], distances(given[:, LOGITS:], self.reference)

    def check(self, scan: Scan) -> GateResult:
        """Return what the gate says of one picture."""
        logits, far = self.outputs(fit(scan, self.card.input)[0][None])
        return result_of(by_aspect(logits)[0], float(far[0]), self.card.gate)


def by_aspect(logits: np.ndarray) -> list[dict[str, dict[str, float]]]:
    """Return, for logits (N, LOGITS), the probabilities of each aspect by class id."""
    found: list[dict[str, dict[str, float]]] = [{} for _ in logits]
    for aspect, part in PARTS.items():
        mine = np.asarray(logits[:, part], np.float64)
        powers = np.exp(mine - mine.max(axis=1, keepdims=True))
        for one, p in zip(found, powers / powers.sum(axis=1, keepdims=True), strict=True):
            one[aspect] = dict(zip(ASPECTS[aspect], map(float, p), strict=True))
    return found


def distances(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return float32 (N,): the distance of features (N, F) to the fifth nearest of the reference (R, F)."""
    squares = (features**2).sum(axis=1)[:, None] + (reference**2).sum(axis=1) - 2 * features @ reference.T
    near = np.partition(squares, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
    return np.sqrt(np.maximum(near, 0)).astype(np.float32)


def result_of(p: dict[str, dict[str, float]], distance: float, limits: dict[str, float]) -> GateResult:
    """Return the gate's result for the probabilities of each aspect and a distance from known heads.

    `limits` are those of the card: the least probability of a head that is accepted and the farthest distance, the
    probabilities from which a plane and a sequence are named, and that of little brain.
    """
    kind = max(p[KIND], key=p[KIND].get)
    if kind == HEAD and p[KIND][HEAD] < limits["least_head"]:
        kind = max((name for name in p[KIND] if name != HEAD), key=p[KIND].get)
    elif kind != HEAD and p[KIND][HEAD] >= limits["least_head"]:
        kind = HEAD
    named = {
        aspect: best if p[aspect][best := max(p[aspect], key=p[aspect].get)] >= limits[f"least_{aspect}"] else UNKNOWN
        for aspect in (PLANE, SEQUENCE)
    }
    distance /= limits["farthest"]
    brain = "little" if p[BRAIN]["little"] >= limits["least_little"] else ENOUGH
    return GateResult(kind, named[PLANE], named[SEQUENCE], brain, p, distance, _withheld(kind, brain, distance))


def _withheld(kind: str, brain: str, distance: float) -> str:
    """Return the sentence on why nothing is predicted from such a picture, "" where something is."""
    accepted = f"Candor predicts from a slice of one head in MRI, sent as {ACCEPTED}."
    if kind != HEAD:
        return f"This picture seems to be {ASPECTS[KIND][kind]}, so nothing is predicted from it. {accepted}"
    if distance > 1:
        return f"This picture looks like none of the heads that Candor knows, so nothing is predicted. {accepted}"
    if brain != ENOUGH:
        return "There is little brain in this slice, so nothing is predicted from it; choose a slice through the brain."
    return ""


def gate_folder() -> Path:
    """Return the folder of the gate's bundle, which is Candor's own whichever zoo is served."""
    return Path(__file__).parent / GATE


def write_reference(folder: Path, features: np.ndarray) -> None:
    """Write the features of known heads, float (R, F), in half precision: the same bytes for the same features."""
    write_arrays(folder / REFERENCE, {"features": features.astype(np.float16)})


def read_gate(folder: Path, *, precision: str = "auto") -> Gate:
    """Load the gate in `folder`. Raises ModelError on files that are missing or not those of its card."""
    card = read_card(folder / "card.json")
    network = load_checked(folder / "model.keras", card.weights_sha256)
    try:
        reference = read_arrays(folder / REFERENCE, ["features"])["features"].astype(np.float32)
        if reference.ndim != 2 or not np.isfinite(reference).all():
            raise ValueError("it holds no rows of features")
    except ValueError as error:
        raise ModelError(f"{folder / REFERENCE} cannot be read ({error}); restore it") from error
    runtime = make_runtime(network, precision=precision)
    require_same_logits(folder, card, runtime)
    return Gate(card, runtime, reference)


@lru_cache(maxsize=1)
def load_gate() -> Gate:
    """Return Candor's gate, loaded once. Raises ModelError where it cannot be: nothing is predicted without it."""
    try:
        return read_gate(gate_folder())
    except ModelError as error:
        raise ModelError(f"nothing is predicted without the gate: {error}") from error


_seen: dict[str, GateResult] = {}  # by `Scan.key` and pixels; a session looks at the same slices again and again
_KEPT = 4096
_making_room = Lock()


def check_picture(scan: Scan) -> GateResult:
    """Return what the gate says of a picture; computed once for each."""
    key = f"{scan.key}:{scan.pixels_sha256}:{scan.window}:{scan.spacing}"
    found = _seen.get(key)  # another thread may make room at any moment
    if found is None:
        found = load_gate().check(scan)
        with _making_room:
            while len(_seen) >= _KEPT:
                _seen.pop(next(iter(_seen)))
            _seen[key] = found
    return found
