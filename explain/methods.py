"""Which methods are there, and how is one run on a scan? One signature, one registry."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explain import cam, keras_vis
from explain.cam import RawMap
from explain.explanation import Explanation
from model_zoo import Model, ModelError
from scans import Scan, ScanError, fit

_FAINT = 1e-6  # of the strongest evidence against: a peak below this is rounding, not evidence


@dataclass(frozen=True)
class Method:
    """A method's plain description, and its engines: (model, batch, target) -> RawMap."""

    id: str
    title: str
    paper: str
    unit: str
    measures: str  # one sentence for the reader of the map
    misleads: str  # when not to believe it
    engines: dict[str, Callable[[Model, np.ndarray, int], RawMap]]  # the first is the default


METHODS: dict[str, Method] = {
    "gradcam": Method(
        id="gradcam",
        title="Grad-CAM",
        paper="https://arxiv.org/abs/1610.02391",
        unit="logit × activation",
        measures="Bright regions of the model's last feature map raised the logit of the explained class.",
        misleads=(
            "It is coarse, and it averages: a bright region can be one the answer does not depend on, and "
            "it need not be a lesion."
        ),
        engines={"compiled": cam.gradcam, "tf-keras-vis": keras_vis.gradcam},
    ),
}


def method(method_id: str) -> Method:
    """Return a method. Raises ModelError that lists the ids there are."""
    if method_id not in METHODS:
        raise ModelError(f"no method {method_id[:40]!r}; Candor has {', '.join(METHODS)}")
    return METHODS[method_id]


def explain(
    model: Model, scan: Scan, method_id: str, *, target: str = "", engine: str = "", seed: int = 0
) -> Explanation:
    """Explain one class of one scan. `target` is a class id, "" for the class the model gives.

    Raises ModelError on an unknown method, engine or class and on a map that is not finite, ScanError on a
    blank slice.
    """
    chosen = method(method_id)
    engine = engine or next(iter(chosen.engines))
    if engine not in chosen.engines:
        raise ModelError(f"no engine {engine!r} for {method_id}; it has {', '.join(chosen.engines)}")
    if scan.blank:
        raise ScanError("This slice is blank (every pixel has the same value); choose another slice.")
    started = time.perf_counter()
    square, placement = fit(scan, model.card.input)
    batch = square[None]
    p = model.predict(batch)[0]
    index = _class_index(model, target, p)
    raw, evaluations = chosen.engines[engine](model, batch, index)
    if not np.isfinite(raw).all():  # else it would read as "no positive evidence", a claim about the model
        raise ModelError(f"{method_id} gave numbers that are not finite for {model.card.id}; its weights may be broken")
    positive, warnings = _positive_part(raw, model.card.names[index])
    return Explanation(
        heat=placement.to_scan(positive),
        raw=raw,
        method=method_id,
        engine=engine,
        unit=chosen.unit,
        model=model.card.id,
        weights=model.card.weights_sha256,
        target=model.card.classes[index],
        predicted=model.card.classes[int(p.argmax())],
        probabilities=tuple(map(float, p)),
        probability=float(p[index]),
        scan=scan.digest,
        slice=scan.index,
        plane=scan.plane,
        settings=(
            ("tap", model.card.tap),
            ("prediction runtime", model.runtime.engine),  # of the probabilities; maps are made in float32
            ("prediction precision", model.runtime.precision),
        ),
        seed=seed,
        seconds=time.perf_counter() - started,
        evaluations=evaluations + 1,
        warnings=warnings,
    )


def _class_index(model: Model, target: str, p: np.ndarray) -> int:
    if not target:
        return int(p.argmax())
    if target not in model.card.classes:
        raise ModelError(f"{model.card.id} has no class {target[:40]!r}; it has {', '.join(model.card.classes)}")
    return model.card.classes.index(target)


def _positive_part(raw: np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the evidence for the class and, where there is none, a sentence that says so."""
    positive = np.maximum(raw, 0)
    if positive.max() > _FAINT * np.abs(raw).max():
        return positive, ()
    return np.zeros_like(raw), (
        f"No positive evidence: no region of the model's last map raised the logit of “{name}”, so there is "
        "nothing to draw. The class is unlikely, or the model decides by what is absent.",
    )
