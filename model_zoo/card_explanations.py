"""The section of a model card on the quality of the model's explanations.

`python -m explain evaluate` writes explanations.json beside the card; nothing is computed here. Needed of it are
"scans", "groups", "measures" (measure id -> short title) and "methods" (name -> "control", "version", "fails sanity",
and an estimate per measure id).
"""

import json
from pathlib import Path

from model_zoo.card import ModelError
from model_zoo.estimate import Estimate
from model_zoo.markdown import markdown_table

SUMMARY = "explanations.json"
# method id -> version of its formula, 1 where it is not named. Raise it with every change of a method's maps: values
# measured of maps of another version are quoted nowhere
VERSIONS = {"lime": 2, "occlusion": 2, "rise": 2}
FEWEST = 5  # scans of an interval: resampling two gives the lower and the higher, no 95 %
_COLUMNS = ("pointing", "lift", "insertion blur", "deletion blur", "sanity all")  # measure ids


def explanation_section(folder: Path) -> str:
    """Return the section as Markdown, "" without a method that was evaluated as it is today.

    Raises ModelError on a broken file.
    """
    path = folder / SUMMARY
    if not path.exists():
        return ""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        heads = ["Map", *(stored["measures"][column] for column in _COLUMNS)]
        maps = {name: each for name, each in stored["methods"].items() if each.get("version", 1) == version_of(name)}
        rows = [_row(name, values) for name, values in maps.items()]
        evaluated = any(not values["control"] for values in maps.values())
        scans, groups = stored["scans"], stored["groups"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{folder.name}/{SUMMARY} cannot be read ({error}); run the evaluation again") from error
    if not evaluated:
        return ""
    return (
        "## Explanation quality\n\n"
        f"Maps of the predicted class for {scans:,} annotated scans in {groups:,} groups that did not train the model, "
        f"with 95 % intervals from {FEWEST} scans on. Localisation (pointing game, energy lift): does the map lie in "
        "the tumour's box? "
        "Faithfulness (insertion, high is good; deletion, low is good): does the probability follow the map? Sanity "
        "check: agreement with the map of the model with randomised weights; above 0.5 a method fails. Controls know "
        "nothing of the model. A heatmap is evidence about the model, not about the patient.\n\n"
        + markdown_table(heads, rows)
    )


def version_of(name: str) -> int:
    """Return the version of a method's formula today; that of a control is 1."""
    return VERSIONS.get(name, 1)


def estimate_text(estimate: Estimate, digits: int, *, share: bool = False) -> str:
    """Return an estimate with its interval, or of fewer than FEWEST scans with their number; a `share` in per cent.

    >>> estimate_text(Estimate(0.81, 0.71, 0.9, 8), 2), estimate_text(Estimate(0.81, 0.71, 0.9, 2), 2)
    ('0.81 (0.71 to 0.90)', '0.81 (2 scans)')
    """
    text = estimate.percent(digits) if share else estimate.decimal(digits)
    return text if estimate.scans >= FEWEST else f"{text.partition(' (')[0]} ({scans_text(estimate)})"


def scans_text(estimate: Estimate) -> str:
    """Return the number of scans behind an estimate: "1 scan"."""
    return f"{estimate.scans:,} scan{'s' if estimate.scans != 1 else ''}"


def _row(name: str, values: dict) -> list[str]:
    estimates = [estimate_text(Estimate(**values[column]), 2) if column in values else "" for column in _COLUMNS]
    fails = " fails" if values.get("fails sanity") else ""
    return [f"control: {name}" if values["control"] else f"`{name}`", *estimates[:-1], estimates[-1] + fails]
