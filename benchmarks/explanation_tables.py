"""What does the README say of explanations: how fast, how well placed, how faithful? Tables from measured files."""

import json

from benchmarks.record import RESULTS
from explain.evaluation.results import SUMMARY
from explain.methods import METHODS
from model_zoo import read_card
from model_zoo.verify import bundle_folders

SHOWN = "candor-figshare3"  # the model whose whole board is in the README; the others have one line
_CONTROLS = {"box": "the marked box itself"}
_MEASURES = {
    "pointing": "pointing game",
    "lift": "energy lift, median",
    "head_lift": "lift over the head",
    "rank_accuracy": "rank accuracy",
    "iou": "IoU",
    "insertion blur": "insertion",
    "deletion blur": "deletion",
    "road": "ROAD",
    "seeds": "across seeds",
    "shifts and noise": "shifts, noise",
    "sanity logits": "logits shuffled",
    "sanity all": "forgetful network",
}
_STOCK = {
    "cams": "Grad-CAM, ++, LayerCAM, HiResCAM in one pass | tf-keras-vis, the first three",
    "scorecam": "Score-CAM | tf-keras-vis, all channels",
    "smoothgrad": "SmoothGrad, 20 samples | tf-keras-vis",
    "lime": "LIME, 1,000 samples | lime, `model.predict`, batch 10",
    "shap": "SHAP over regions, 500 evaluations | shap, `model.predict`",
    "expected-gradients": "expected gradients | shap's GradientExplainer, 200 samples of every class",
}


def boards() -> dict[str, dict]:
    """Return the summary of every bundle that has one, by a name that says whether its weights are shipped."""
    found = {}
    for folder in bundle_folders():
        if (folder / SUMMARY).exists():
            shipped = "" if (folder / "model.keras").exists() else " (weights not shipped)"
            found[f"`{read_card(folder / 'card.json').id}`{shipped}"] = json.loads((folder / SUMMARY).read_text())
    return found


def board() -> str:
    """Return the whole board of one model, method by method and control by control."""
    name, found = next((name, found) for name, found in boards().items() if found["model"] == SHOWN)
    share = found["median share of the box"]
    rows = [
        f"{name} on {found['scans']:,} marked test scans of {found['groups']:,} groups; the median box is "
        f"{100 * share:.1f} % of the scan; {100 * found['right']:.0f} % of the answers are right.",
        "",
        "| map | " + " | ".join(_MEASURES.values()) + " |",
        "|---" * (len(_MEASURES) + 1) + "|",
    ]
    for method, values in found["methods"].items():
        title = f"*control: {_CONTROLS.get(method, method)}*" if values["control"] else f"`{method}`"
        fails = ", **fails**" if values.get("fails sanity") else ""
        cells = [_figure(values.get(measure)) for measure in _MEASURES]
        rows.append(f"| {title} | {' | '.join(cells)}{fails} |")
    return "\n".join(rows + ["", *_misses(found)])


def _figure(figure: dict | None) -> str:
    if not figure:
        return ""
    digits = 1 if max(abs(figure["value"]), abs(figure["high"])) >= 2 else 2
    return f"{figure['value']:.{digits}f} ({figure['low']:.{digits}f} to {figure['high']:.{digits}f})"


def _misses(found: dict) -> list[str]:
    """Return where the map that points best points past the tumour."""
    method, values = best(found)
    said = []
    for what, parts in values["pointing, by"].items():
        shares = ", ".join(f"{name} {part['pointing']:.2f} ({part['scans']})" for name, part in parts.items())
        said.append(f"by {what}: {shares}")
    return [f"Pointing game of `{method}` {'; '.join(said)} (scans in brackets)."]


def best(found: dict) -> tuple[str, dict]:
    """Return the method that points best, the first of those that do so alike."""
    methods = {name: values for name, values in found["methods"].items() if not values["control"]}
    return max(methods.items(), key=lambda item: item[1]["pointing"]["value"])


def looking() -> str:
    """Return one line a model: where its best map looks, beside the control that is placed best."""
    rows = [
        "| model | scans | best map | pointing game | energy lift, median | Grad-CAM: pointing, lift "
        "| occlusion: pointing, lift | control `centre`: pointing, lift |",
        "|---" * 8 + "|",
    ]
    for name, found in boards().items():
        method, values = best(found)
        pairs = [
            f"{part['pointing']['value']:.2f}, {part['lift']['value']:.1f}" if part else ""
            for part in (found["methods"].get(key) for key in ("gradcam", "occlusion", "centre"))
        ]
        rows.append(
            f"| {name} | {found['scans']:,} | `{method}` | {_figure(values['pointing'])} | {_figure(values['lift'])} "
            f"| {' | '.join(pairs)} |"
        )
    return "\n".join(rows)


def explainers() -> str:
    """Return the speed of every method against its library, and what a reader waits for."""
    found = json.loads((RESULTS / "explainers.json").read_text())
    machine, warm = found["machine"], found["warm"]
    rows = [
        f"Measured on {machine['cores']} cores of an {machine['processor']} ({machine['bfloat16']}), stock and ours "
        f"one after the other in one process: `{found['command']}`.",
        "",
        "| method | stock | model | stock, s | ours, s | ratio | maps, Spearman |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, said in _STOCK.items():
        for model in ("ResNet50V2 224 px", "candor-44c15"):
            part = found[model][name]
            rows.append(
                f"| {said} | {model} | {part['stock, seconds']:g} | {part['ours, seconds']:g} | "
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
