"""How is one method run on a scan? From the scan to an explanation in the scan's own pixels."""

import time

import numpy as np

from explain.explanation import Explanation
from explain.methods import Method, method
from explain.refinement import Budget, Clock, Question, Refined, refine
from model_zoo import Model, ModelError
from scans import Scan, ScanError, fit

_FAINT = 1e-6  # of the strongest evidence against: a peak below this is rounding, not evidence


def explain(
    model: Model,
    scan: Scan,
    method_id: str,
    *,
    target: str = "",
    engine: str = "",
    seed: int = 0,
    budget: Budget | None = None,
) -> Explanation:
    """Explain one class of one scan. `target` is a class id, "" for the class the model gives.

    Raises ModelError on an unknown method, engine or class, on a model that the method cannot explain and on a
    map that is not finite, ScanError on a blank slice, and Cancelled where the budget says so.
    """
    chosen = method(method_id)
    engine = engine or next(iter(chosen.engines))
    if engine not in chosen.engines:
        raise ModelError(f"no engine {engine!r} for {method_id}; it has {', '.join(chosen.engines)}")
    if scan.blank:
        raise ScanError("This slice is blank (every pixel has the same value); choose another slice.")
    clock = Clock(budget or Budget())
    started = time.perf_counter()
    square, placement = fit(scan, model.card.input)
    p = model.predict(square[None])[0]
    if not np.isfinite(p).all():  # a method may not notice: gradients know no bias, and a map of zeros is a map
        raise ModelError(f"{model.card.id} gave probabilities that are not finite; its weights may be broken")
    index = class_index(model, target, p)
    refined = answer(Question(model, square, index, seed, clock), chosen, engine)
    heat, warnings = _shown(refined.raw.values, chosen.signed, model.card.names[index])
    return Explanation(
        heat=placement.to_scan(heat),
        raw=refined.raw.values,
        method=method_id,
        engine=engine,
        unit=chosen.unit,
        signed=chosen.signed,
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
            ("prediction runtime", model.runtime.engine),  # of the probabilities and of methods that only ask for them
            ("prediction precision", model.runtime.precision),
        ),
        seed=seed,
        seconds=time.perf_counter() - started,
        evaluations=refined.raw.evaluations + 1,
        stopped=refined.stopped,
        stability=refined.stability,
        notes=refined.raw.notes,
        warnings=warnings + _cut_short(refined),
    )


def answer(question: Question, chosen: Method, engine: str = "") -> Refined:
    """Return a method's refined map for a prepared question. Raises ModelError on a map that is not finite."""
    engine = engine or next(iter(chosen.engines))
    refined = refine(chosen.engines[engine](question), question)
    if not np.isfinite(refined.raw.values).all():  # else it would read as "no positive evidence"
        raise ModelError(
            f"{chosen.id} gave numbers that are not finite for {question.model.card.id}; its weights may be broken"
        )
    return refined


def class_index(model: Model, target: str, p: np.ndarray) -> int:
    """Return the place of class `target` in the logits, of the likeliest for "". Raises ModelError on no such class."""
    if not target:
        return int(p.argmax())
    if target not in model.card.classes:
        raise ModelError(f"{model.card.id} has no class {target[:40]!r}; it has {', '.join(model.card.classes)}")
    return model.card.classes.index(target)


def _cut_short(refined: Refined) -> tuple[str, ...]:
    if refined.stopped != "time":
        return ()
    share = f"{refined.raw.done:.0%}".replace("%", " %")
    return (f"The time was over after {share} of the method's full effort: another run may give another map.",)


def _shown(raw: np.ndarray, signed: bool, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the evidence for the class, with that against it where signed, and a sentence where it has none."""
    positive = np.maximum(raw, 0)
    if positive.max() > _FAINT * np.abs(raw).max():
        return (raw if signed else positive), ()
    against = signed and raw.any()
    return (raw if against else np.zeros_like(raw)), (
        f"No positive evidence: nothing in this map raised the logit of “{name}”, so there is "
        f"{'only evidence against it' if against else 'nothing'} to draw. The class is unlikely, or the model decides "
        "by what is absent.",
    )
