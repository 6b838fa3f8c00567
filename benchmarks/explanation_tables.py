"""Tables of the explanations: the methods, the quality of their maps and their speed."""

from benchmarks.model_tables import why_kept
from benchmarks.record import measured_on, read_results
from explain.evaluation.measures import CONTROL_DESCRIPTIONS, MEASURES
from explain.evaluation.results import MethodResult
from explain.evaluation.store import StoredEvaluation, evaluations
from explain.methods import METHODS
from model_zoo import Estimate
from model_zoo.card_explanations import estimate_text
from model_zoo.markdown import markdown_table

WHOLE = "candor-figshare3"  # the model whose whole evaluation is in the docs; the others have one line
_COLUMNS = (
    "pointing", "lift", "head_lift", "rank_accuracy", "iou", "insertion blur", "deletion blur", "road", "seeds",
    "shifts and noise", "sanity logits", "sanity all",
)  # fmt: skip
_LIBRARIES = {
    "cams": ("Grad-CAM, ++, LayerCAM, HiResCAM in one pass", "tf-keras-vis, the first three"),
    "scorecam": ("Score-CAM", "tf-keras-vis, all channels"),
    "smoothgrad": ("SmoothGrad, 20 samples", "tf-keras-vis"),
    "lime": ("LIME, balanced samples", "lime, 1,000 samples, `model.predict`, batch 10"),
    "shap": ("SHAP over regions, 500 evaluations", "shap, `model.predict`"),
    "expected-gradients": ("expected gradients", "shap's GradientExplainer, 200 samples of every class"),
}

_OF_SHAP = {"seconds": 2, "with today's": 3, "with four times as many": 3}  # column -> digits
_SAMPLED = {  # method -> how it was done before, and how now
    "lime": ("samples one by one", "balanced samples"),
    "rise": ("masks one by one", "balanced masks"),
    "occlusion": ("every quarter window", "half windows, interpolated"),
}


def methods() -> str:
    """Return the explanation methods as the registry describes them."""
    return markdown_table(
        ["method", "measures", "pitfalls", "unit", "signed", "random", "engines"],
        [
            [
                f"[`{each.id}`]({each.paper})",
                each.measures,
                each.pitfalls,
                each.unit,
                "yes" if each.signed else "",
                "yes" if each.random else "",
                ", ".join(each.engines),
            ]
            for each in METHODS.values()
        ],
    )


def measures() -> str:
    """Return the measures of explanation quality as the evaluation describes them."""
    return markdown_table(
        ["measure", "kind", "description", "good", "pitfalls"],
        [
            [
                f"[{each.title}]({each.paper})",
                each.kind.lower(),
                each.description,
                "high" if each.high_is_good else "low",
                each.pitfalls,
            ]
            for each in MEASURES.values()
        ],
    )


def explanation_quality() -> str:
    """Return the whole evaluation of one model, method by method and control by control."""
    name, stored = next((name, stored) for name, stored in _by_title().items() if stored.results.model == WHOLE)
    results = stored.results
    rows = []
    for method, result in results.methods.items():
        *cells, sanity = (_estimate(result.estimates.get(measure)) for measure in _COLUMNS)
        rows.append([_map_name(method), *cells, sanity + (" **fails**" if result.fails_sanity else "")])
    return "\n\n".join(
        [
            f"{name} on {results.scans:,} annotated test scans of {results.groups:,} groups. The median box "
            f"covers {100 * results.box_share:.1f} % of the scan; {100 * results.accuracy:.0f} % of the predictions "
            "are correct.",
            markdown_table(["map", *(MEASURES[measure].short for measure in _COLUMNS)], rows),
            _strata(stored),
        ]
    )


def localisation() -> str:
    """Return one line per model: the map with the best localisation, beside the control that knows no model."""
    pairs = {"gradcam": "Grad-CAM", "occlusion": "occlusion", "centre": "control: centre of the head"}
    heads = ["model", "scans", "best map", MEASURES["pointing"].short, MEASURES["lift"].short]
    rows = []
    for name, stored in _by_title().items():
        method, result = _best(stored)
        rows.append(
            [
                name,
                f"{stored.results.scans:,}",
                f"`{method}`",
                _estimate(result.estimates["pointing"]),
                _estimate(result.estimates["lift"]),
                *(_pair(stored, key) for key in pairs),
            ]
        )
    return markdown_table([*heads, *(f"{title}: pointing, lift" for title in pairs.values())], rows)


def localisation_on_more_scans() -> str:
    """Return where some maps of Candor's own models lie on up to 200 scans, beside the centre of the head."""
    heads = ["model", "scans", "groups", "map", MEASURES["pointing"].short, MEASURES["lift"].short]
    rows = [
        [f"`{name}`", str(found["scans"]), str(found["groups"]), _map_name(method)]
        + [_estimate(Estimate(**measured[measure])) for measure in ("pointing", "lift")]
        for name, found in read_results("localisation")["models"].items()
        for method, measured in found["methods"].items()
        if method in METHODS or method == "centre"
    ]
    return markdown_table(heads, rows)


def _map_name(method: str) -> str:
    return f"`{method}`" if method in METHODS else f"*control: {CONTROL_DESCRIPTIONS[method]}*"


def method_speed() -> str:
    """Return the speed of every method against its library, and the wait of a user."""
    results, warm, avx2 = (
        read_results("explainers"),
        read_results("method_speed"),
        read_results("method_speed", avx2=True),
    )
    machine = results["machine"]
    against = [
        [
            title,
            library,
            model,
            f"{part['library, seconds']:g}",
            f"{part['ours, seconds']:g}",
            f"{part['library over ours']:g} x",
            f"{part['Spearman of the maps']:g}",
        ]
        for name, (title, library) in _LIBRARIES.items()
        for model, measured in results.items()
        if model not in ("command", "machine") and name in measured
        for part in [measured[name]]
    ]
    ours = [
        [
            METHODS[name].title,
            f"{part['seconds']:g}",
            f"{avx2['methods'][name]['seconds']:g}",
            f"{part['evaluations']:,}",
            f"{part['floor, seconds']:g}",
            part.get("Spearman of two seeds", ""),
        ]
        for name in METHODS
        for part in [warm["methods"][name]]
    ]
    inside = ", ".join(
        f"{name} {100 * share['in the model']:.0f} %" for name, share in warm["where the time goes"].items()
    )
    return "\n\n".join(
        [
            f"Measured on {machine['cores']} cores of an {machine['processor']} ({machine['bfloat16']}), library and "
            f"ours one after the other in one process: `{results['command']}`.",
            markdown_table(["method", "library", "model", "library, s", "ours, s", "ratio", "maps, Spearman"], against),
            f"The wait of a user, {measured_on(warm)}; with AVX2 alone ({avx2['runtime']}): `{avx2['command']}`.",
            markdown_table(
                [
                    f"`{warm['model']}`, warm",
                    "seconds",
                    "seconds, AVX2",
                    "evaluations",
                    "floor, s",
                    "two seeds, Spearman",
                ],
                ours,
            ),
            f"The floor is the evaluations at the fastest forward pass measured, "
            f"{warm['fastest forward pass, scans per second']:g} scans per second. All thirteen methods on one scan: "
            f"{warm['all methods, seconds']:g} s, from the cache {warm['all methods from the cache, seconds']:g} s; "
            f"the four CAMs together {warm['four CAMs, milliseconds']:g} ms; 100 explanations grow the process by "
            f"{warm['growth over 100 explanations, MB']:g} MB. Share of the time that is spent in the model: {inside}.",
        ]
    )


def sampling() -> str:
    """Return what the sampled methods cost, and how near their maps are to those of long sampling, before and now."""
    found = read_results("sampling")
    rows = []
    for name, titles in _SAMPLED.items():
        values = found[name]
        rows += [
            [
                f"{METHODS[name].title}, {title}",
                f"{values[f'{way}, predictions']:,g}",
                f"{values[f'{way}, seconds']:.2f}",
                f"{values[f'{way}, with the reference']:.3f}",
                f"{values[f'{way}, of two seeds']:.3f}" if METHODS[name].random else "",
            ]
            for way, title in zip(("before", "now"), titles, strict=True)
        ]
    heads = ["method", "predictions", "seconds", "Spearman with the reference", "of two seeds"]
    halved = [
        [f"{int(count):,}", *(f"{each[title]:.{digits}f}" for title, digits in _OF_SHAP.items())]
        for count, each in found["shap"].items()
    ]
    return (
        f"`{found['model']}`, {found['slices']} annotated slices, medians; {measured_on(found)}."
        f"\n\n{markdown_table(heads, rows)}\n\n"
        + markdown_table(
            ["SHAP's evaluations", "seconds", "Spearman with the map of 500", "with the map of 2,000"], halved
        )
    )


def eight_bits() -> str:
    """Return what a copy of the network in 8-bit integers gives the sampled methods, here and with AVX2 alone."""
    both = read_results("int8"), read_results("int8", avx2=True)
    rows = []
    for name, values in both[0]["methods"].items():
        cells = [f"{each['methods'][name][f'{way}, seconds']:.2f}" for each in both for way in ("now", "8 bits")]
        agreement = [f"{each['methods'][name]['of the two']:.3f}" for each in both]
        seeds = f"{values['of two seeds now']:.3f}" if METHODS[name].random else ""
        rows.append([METHODS[name].title, *cells, *agreement, seeds])
    heads = [
        "method", "now, s", "8 bits, s", "now, s, AVX2", "8 bits, s, AVX2", "both maps, Spearman",
        "both maps, Spearman, AVX2", "two seeds now",
    ]  # fmt: skip
    words = []
    for each, where in zip(both, ("", " with AVX2 alone"), strict=True):
        found = each["predictions"]
        rates = found["scans a second"]
        words.append(
            f"Predictions{where}: {rates['now']:g} and {rates['8 bits']:g} a second; the same class for "
            f"{found['same class']:.3f} of {found['scans']} validation scans, accuracy {found['accuracy now']:.4f} and "
            f"{found['accuracy, 8 bits']:.4f}, a probability up to {found['probability apart, at most']:.2f} apart."
        )
    return (
        f"`{both[0]['model']}`, {both[0]['slices']} annotated slices, medians, NNCF {both[0]['nncf']}; "
        f"{measured_on(both[0])}; with AVX2 alone ({both[1]['runtime']}): `{both[1]['command']}`."
        "\n\n" + markdown_table(heads, rows) + "\n\n" + " ".join(words)
    )


def _by_title() -> dict[str, StoredEvaluation]:
    """Return the evaluation of every model that has one, by a name that says whether its weights are shipped."""
    stored, _ = evaluations()
    return {f"`{name}`{'' if each.shipped else why_kept(name)}": each for name, each in stored.items()}


def removing_a_lesion() -> str:
    """Return what the removal of a lesion leaves of its contrast, as Candor did it before and does it now."""
    found = read_results("erasure")
    rows = []
    for label, each in found["classes"].items():
        cells = [
            cell
            for when in ("before", "now")
            for cell in (f"{each[when]['over half left']}", f"{each[when]['median left']:g}")
        ]
        controls = ", ".join(f"{place} {count}" for place, count in each["controls"].items())
        rows.append([label, str(each["slices"]), str(each["stand out from their surrounding"]), *cells, controls])
    heads = [
        "class", "slices", "stand out", "inpainted from the rim: over half left", "median left",
        "now: over half left", "median left", "control",
    ]  # fmt: skip
    return f"`{found['command']}`, contrast left as a share of the lesion's.\n\n" + markdown_table(heads, rows)


def _best(stored: StoredEvaluation) -> tuple[str, MethodResult]:
    """Return the method with the best localisation, the first of equals."""
    name = stored.best_localised[0]
    return name, stored.results.methods[name]


def _strata(stored: StoredEvaluation) -> str:
    """Return where the map with the best localisation misses the tumour."""
    method, result = _best(stored)
    parts: dict[str, list[str]] = {}
    for stratum in result.strata:
        estimate = stratum.pointing
        parts.setdefault(stratum.by, []).append(f"{stratum.name} {estimate.value:.2f} ({estimate.scans})")
    text = "; ".join(f"by {by}: {', '.join(shares)}" for by, shares in parts.items())
    return f"Pointing game of `{method}` {text} (scans in brackets)."


def _pair(stored: StoredEvaluation, key: str) -> str:
    pointing, lift = stored.estimate(key, "pointing"), stored.estimate(key, "lift")
    return f"{pointing.value:.2f}, {lift.value:.1f}" if pointing and lift else ""


def _estimate(estimate: Estimate | None) -> str:
    """Return an estimate with one digit for values of 2 or more, else with two."""
    if not estimate:
        return ""
    return estimate_text(estimate, 1 if max(abs(estimate.value), abs(estimate.high)) >= 2 else 2)
