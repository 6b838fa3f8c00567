"""One request, one explanation: the entry point of the command line, the pages, the evaluation and the reports.

A request is complete and valid once it is made: an unknown method, engine or class, a blank slice or a time limit of 0
raises an error at construction. Its key covers all that the explanation depends on, so that equal requests share one
result.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property

import numpy as np

from explain.explanation import FAINT, Explanation
from explain.methods import METHODS, Method, method_for
from explain.prediction import Prediction, predict
from explain.refinement import SECONDS, STABLE, UNCONVERGED, Clock, MethodInput, RawMap, refine
from explain.self_test import require_self_test
from model_zoo import Model, ModelError
from scans import Scan

SATURATED = 0.9999  # above this probability, hiding anything makes no difference to Score-CAM
VERSION = 2  # raised whenever what all methods share changes, so that no old map passes for a new one


@dataclass(frozen=True)
class Setting:
    """How a user sets one field of a request: a flag of the commands, a control on the page.

    With `choices` the page offers those, else whole numbers from 0 to `most`. `random_only`: it matters only to
    methods that sample at random.
    """

    label: str
    metavar: str
    help: str
    choices: tuple[int, ...] = ()
    unit: str = ""
    most: int = 2**31 - 1
    random_only: bool = False


_SEED = Setting("Random seed", "N", "A map that changes with the seed is not reliable.", random_only=True)
_SECONDS = Setting(
    "Time limit",
    "S",
    "Computing time per map, after which the best map so far is given and marked as cut off. Most maps converge long "
    "before. Waiting for other users does not count.",
    choices=(5, 15, 30, 60),
    unit="seconds",
)


@dataclass(frozen=True, eq=False)
class Request:
    """One question to Candor. Defaults are resolved at construction: the predicted class, the method's first engine.

    `target` is a class id, `seconds` the time limit. `prediction` is computed unless it is passed. Raises
    ModelError on an unknown method, engine or class, on a method that cannot explain this model, on a time limit that
    is not above 0, on a seed below 0 or above 2**31 - 1 and on probabilities that are not finite, ScanError on a blank
    slice.

    >>> from model_zoo import load_model
    >>> from scans import phantom
    >>> request = Request(load_model("candor-figshare3"), phantom("glioma", 1).scan, "gradcam")
    >>> request.engine, explain(request).heat.shape == request.scan.shape
    ('compiled', True)
    """

    model: Model
    scan: Scan
    method: str
    target: str = ""
    engine: str = ""
    seed: int = field(default=0, metadata={"setting": _SEED})
    seconds: float = field(default=SECONDS, metadata={"setting": _SECONDS})
    prediction: Prediction | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        engines = tuple(method_for(self.method, self.model.card).engines)
        if self.engine and self.engine not in engines:
            raise ModelError(f"no engine {self.engine!r} for {self.method}; it has {', '.join(engines)}")
        check_seconds(self.seconds)
        check_seed(self.seed)
        prediction = self.prediction or predict(self.model, self.scan)
        classes = self.model.card.classes
        if self.target and self.target not in classes:
            raise ModelError(f"{self.model.card.id} has no class {self.target[:40]!r}; it has {', '.join(classes)}")
        resolved = {
            "prediction": prediction,
            "engine": self.engine or engines[0],
            "target": self.target or classes[prediction.index],
            "seed": int(self.seed),
            "seconds": float(self.seconds),
        }
        for name, value in resolved.items():
            object.__setattr__(self, name, value)

    @property
    def settings(self) -> dict[str, int | float]:
        """The values of `SETTINGS`."""
        return {name: getattr(self, name) for name in SETTINGS}

    @property
    def target_index(self) -> int:
        """The index of the explained class in the logits."""
        return self.model.card.classes.index(self.target)

    @property
    def target_name(self) -> str:
        """The display name of the explained class."""
        return self.model.card.names[self.target_index]

    @cached_property
    def key(self) -> str:
        """The sha256, 64 hexadecimal digits, of all that the map and its manifest depend on.

        It covers all pixels, not a sample of them, as Streamlit's cache takes of a large array: two scans would share
        a map. The runtime is not part of it, since a process has only one.
        """
        card, scan = self.model.card, self.scan
        facts = {
            "version": VERSION,
            "formula": METHODS[self.method].version,
            "model": {
                "id": card.id,
                "weights": card.weights_sha256,
                "classes": card.classes,
                "names": card.names,  # the warnings name the class
                "input": asdict(card.input),
                "tap": card.tap,
                "temperature": card.temperature,
                "imported": card.imported,  # of the same file another mean may be subtracted
                "calibration": self.model.calibration,
            },
            "scan": {
                "key": scan.key,
                "pixels": scan.pixels_sha256,
                "shape": scan.shape,
                "window": [float(edge) for edge in scan.window],
                "spacing": [float(mm) for mm in scan.spacing],
            },
            "reasons": self.prediction.set.reasons,
            **{name: value for name, value in vars(self).items() if isinstance(value, str | int | float)},
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


SETTINGS: dict[str, Setting] = {
    each.name: each.metadata["setting"] for each in fields(Request) if "setting" in each.metadata
}
DEFAULTS: dict[str, int | float] = {each.name: each.default for each in fields(Request) if each.name in SETTINGS}


def check_seconds(seconds: float) -> float:
    """Return the time limit. Raises ModelError where it is not above 0."""
    if not seconds > 0:
        raise ModelError(f"a time limit of {seconds:g} s is no time to explain in; give more than 0 seconds")
    return seconds


def check_seed(seed: int) -> int:
    """Return the random seed. Raises ModelError where it is no whole number from 0 to the setting's most."""
    if not 0 <= seed <= _SEED.most or seed != int(seed):
        raise ModelError(f"a random seed of {seed} is not supported; give a whole number from 0 to {_SEED.most}")
    return seed


def explain(
    request: Request,
    *,
    progress: Callable[[float], object] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
    stable: float = STABLE,
) -> Explanation:
    """Return the explanation of a request. `progress` gets a share in [0, 1]; `stable` ends the refinement early.

    Raises ModelError on a model that the method cannot explain, one that does not compute what it did when it was made
    and on a map that is not finite, and Cancelled once `cancelled` returns True.
    """
    require_self_test(request.model)
    clock = Clock(request.seconds, stable, progress, cancelled)
    started = time.perf_counter()
    model, chosen, prediction = request.model, METHODS[request.method], request.prediction
    given = MethodInput(model, prediction.square, request.target_index, request.seed, clock)
    raw = refined_map(given, chosen, request.engine)
    heat, warnings = _evidence(raw.values, chosen, request.target_name)
    p = prediction.probabilities
    return Explanation(
        heat=prediction.placement.to_scan(heat),
        raw=raw.values,
        method=chosen.id,
        engine=request.engine,
        unit=chosen.unit,
        signed=chosen.signed,
        model=model.card.id,
        weights=model.card.weights_sha256,
        target=request.target,
        predicted=model.card.classes[prediction.index],
        probabilities=tuple(map(float, p)),
        probability=float(p[request.target_index]),
        scan=request.scan.digest,
        slice=request.scan.index,
        plane=request.scan.plane,
        stack=request.scan.stack,
        grey_range=request.scan.grey_range,
        settings=(
            ("tap", model.card.tap),
            ("prediction runtime", model.runtime.engine),  # of the probabilities, and of methods that need no gradient
            ("prediction precision", model.runtime.precision),
        ),
        seed=request.seed,
        seconds=time.perf_counter() - started,
        evaluations=raw.evaluations + 1,
        stopped=raw.stopped,
        stability=raw.stability,
        notes=raw.notes,
        warnings=warnings + _unfinished_warning(raw) + _saturation_warning(request, heat),
        reasons=prediction.set.reasons,
        calibration=model.calibration,
    )


def refined_map(given: MethodInput, chosen: Method, engine: str = "") -> RawMap:
    """Return a method's refined map of a prepared input. Raises ModelError on a map that is not finite."""
    engine = engine or next(iter(chosen.engines))
    raw = refine(chosen.engines[engine](given), given)
    given.model.finite(raw.values, f"values of {chosen.id}")  # else they would pass for "no positive evidence"
    return raw


def _unfinished_warning(raw: RawMap) -> tuple[str, ...]:
    if raw.stopped == "complete" and raw.stability is not None and raw.stability < UNCONVERGED:
        return (
            f"Not converged: its rank correlation with the map of at most half the samples is {raw.stability:.2f}; "
            "read it as a sketch.",
        )
    if raw.stopped != "time":
        return ()
    share = f"{raw.done:.0%}".replace("%", " %")
    return (f"Stopped at the time limit after {share} of the method's full effort: another run may differ.",)


def _saturation_warning(request: Request, heat: np.ndarray) -> tuple[str, ...]:
    """Return the warning of a Score-CAM map whose weights, the class's probability at temperature 1, hardly differ."""
    if request.method != "scorecam" or not heat.any():
        return ()
    # The softmax at temperature 1 again, from that at the card's: both are powers of one another.
    p = request.prediction.probabilities.astype(np.float64) ** request.model.card.temperature
    own, rest = p[request.target_index], np.delete(p, request.target_index).sum()
    if min(own, rest) > (1 - SATURATED) * (own + rest):
        return ()
    return (
        "The model's probability is saturated, and Score-CAM weights channels by it: it can hardly tell what matters. "
        "All other methods read the logit, which is not saturated.",
    )


def _evidence(raw: np.ndarray, chosen: Method, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the evidence for the class, and against it where signed, with a warning where there is none for it."""
    positive = np.maximum(raw, 0)
    if positive.max() > FAINT * np.abs(raw).max():
        return (raw if chosen.signed else positive), ()
    if chosen.sensitivity:
        return np.zeros_like(raw), (
            f"No sensitivity: no small change of grey level would change the logit of “{name}”, so there is nothing to "
            "draw.",
        )
    against = chosen.signed and raw.any()
    return (raw if against else np.zeros_like(raw)), (
        f"No positive evidence: nothing in this map raised the logit of “{name}”, so there is "
        f"{'only evidence against it' if against else 'nothing'} to draw. The class is unlikely, or the model decides "
        "by what is absent.",
    )
