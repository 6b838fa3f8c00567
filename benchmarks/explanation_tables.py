"""Tables of explanation methods, from measured files: localisation, all measures of one model, and speed."""

import json

from benchmarks.record import RESULTS
from explain.evaluation.measures import CONTROL_DESCRIPTIONS, MEASURES
from explain.evaluation.results import MethodResult
from explain.evaluation.store import StoredEvaluation, evaluations
from explain.methods import METHODS
from model_zoo import Estimate

SHOWN = "candor-figshare3"  # the model with a table of all methods; the others have one line
_COLUMNS = (
    "pointing",
    "lift",
    "head_lift",
    "rank_accuracy",
    "iou",
    "insertion blur",
    "deletion blur",
    "road",
    "seeds",
    "shifts and noise",
    "sanity logits",
    "sanity all",
)
_STOCK = {
    "cams": "Grad-CAM, ++, LayerCAM, HiResCAM in one pass | tf-keras-vis, the first three",
    "scorecam": "Score-CAM | tf-keras-vis, all channels",
    "smoothgrad": "SmoothGrad, 20 samples | tf-keras-vis",
    "lime": "LIME, 1,000 samples | lime, `model.predict`, batch 10",
    "shap": "SHAP over regions, 500 evaluations | shap, `model.predict`",
    "expected-gradients": "expected gradients | shap's GradientExplainer, 200 samples of every class",
}


def quality() -> str:
    """Return every measure of one model's evaluation, method by method and control by control."""
    stored = evaluations()[0][SHOWN]
    results = stored.results
    rows = [
        f"{_name(stored)} on {results.scans:,} annotated test scans in {results.groups:,} groups; the median box "
        f"covers {100 * results.box_share:.1f} % of the scan; {100 * results.accuracy:.0f} % of the predictions are correct.",
        "",
        "| map | " + " | ".join(MEASURES[column].short for column in _COLUMNS) + " |",
        "|---" * (len(_COLUMNS) + 1) + "|",
    ]
    for method, result in results.methods.items():
        control = CONTROL_DESCRIPTIONS["box"] if method == "box" else method
        title = f"*control: {control}*" if result.control else f"`{method}`"
        cells = [_cell(result.estimates.get(column)) for column in _COLUMNS]
        rows.append(f"| {title} | {' | '.join(cells)}{', **fails**' if result.fails_sanity else ''} |")
    return "\n".join([*rows, "", _misses(stored)])


def _name(stored: StoredEvaluation) -> str:
    return f"`{stored.results.model}`{'' if stored.shipped else ' (weights not shipped)'}"


def _cell(estimate: Estimate | None) -> str:
    if not estimate:
        return ""
    return estimate.decimal(1 if max(abs(estimate.value), abs(estimate.high)) >= 2 else 2)


def _misses(stored: StoredEvaluation) -> str:
    """Return the pointing game of the best method in each subgroup."""
    method, result = best(stored)
    parts: dict[str, list[str]] = {}
    for stratum in result.strata:
        share = f"{stratum.name} {stratum.pointing.value:.2f} ({stratum.pointing.scans})"
        parts.setdefault(stratum.by, []).append(share)
    lines = [f"by {by}: {', '.join(shares)}" for by, shares in parts.items()]
    return f"Pointing game of `{method}` {'; '.join(lines)} (scans in brackets)."


def best(stored: StoredEvaluation) -> tuple[str, MethodResult]:
    """Return the method with the best pointing game, the first of several."""
    methods = {name: stored.results.methods[name] for name in stored.methods}
    return max(methods.items(), key=lambda item: item[1].estimates["pointing"].value)


def localisation() -> str:
    """Return one line per model: its best map, beside the control with the best localisation."""
    rows = [
        "| model | scans | best map | pointing game | energy lift, median | Grad-CAM: pointing, lift "
        "| occlusion: pointing, lift | control `centre`: pointing, lift |",
        "|---" * 8 + "|",
    ]
    for stored in evaluations()[0].values():
        method, result = best(stored)
        pairs = []
        for key in ("gradcam", "occlusion", "centre"):
            pointing, lift = (stored.estimate(key, measure) for measure in ("pointing", "lift"))
            pairs.append(f"{pointing.value:.2f}, {lift.value:.1f}" if pointing and lift else "")
        cells = [_cell(result.estimates[measure]) for measure in ("pointing", "lift")]
        rows.append(
            f"| {_name(stored)} | {stored.results.scans:,} | `{method}` | {' | '.join(cells)} | {' | '.join(pairs)} |"
        )
    return "\n".join(rows)


def explainers() -> str:
    """Return the speed of every method against its library, and how long a user waits."""
    found = json.loads((RESULTS / "explainers.json").read_text())
    machine, warm = found["machine"], found["warm"]
    rows = [
        f"Measured on {machine['cores']} cores of an {machine['processor']} ({machine['bfloat16']}), stock and ours "
        f"one after the other in one process: `{found['command']}`.",
        "",
        "| method | stock | model | stock, s | ours, s | ratio | maps, Spearman |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, title in _STOCK.items():
        for model in ("ResNet50V2 224 px", "candor-44c15"):
            part = found[model][name]
            rows.append(
                f"| {title} | {model} | {part['stock, seconds']:g} | {part['ours, seconds']:g} | "
                f"{part['stock over ours']:g} x | {part['Spearman of the maps']:g} |"
            )
    rows += [
        "",
        "| `candor-44c15`, warm | seconds | evaluations | floor, s | two seeds, Spearman |",
        "|---|---|---|---|---|",
    ]
    for name in METHODS:
        part = warm["methods"][name]
        rows.append(
            f"| {METHODS[name].title} | {part['seconds']:g} | {part['evaluations']:,} | {part['floor, seconds']:g} | "
            f"{part.get('Spearman of two seeds', '')} |"
        )
    passes, shares = warm["fastest forward pass, scans a second"], warm["where the time goes"]
    inside = ", ".join(f"{name} {100 * share['in the model']:.0f} %" for name, share in shares.items())
    rows += [
        "",
        f"The floor is the evaluations at the fastest forward pass measured, {passes:g} scans a second. "
        f"All thirteen on one scan: {warm['all methods, seconds']:g} s, from the cache "
        f"{warm['all methods from the cache, seconds']:g} s; the four CAMs together "
        f"{warm['four CAMs, milliseconds']:g} ms; 100 explanations grow the process by "
        f"{warm['growth over 100 explanations, MB']:g} MB. Share of the time that is spent in the model: {inside}.",
    ]
    return "\n".join(rows)
