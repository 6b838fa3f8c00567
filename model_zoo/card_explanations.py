"""The section of a model card on the quality of the model's explanations.

`python -m explain evaluate` writes explanations.json beside the card; nothing is computed here. Needed of it are
"scans", "groups", "measures" (measure id -> short title) and "methods" (name -> "control", "fails sanity", and an
estimate per measure id).
"""

import json
from pathlib import Path

from model_zoo.card import ModelError
from model_zoo.estimate import Estimate
from model_zoo.markdown import markdown_table

SUMMARY = "explanations.json"
_COLUMNS = ("pointing", "lift", "insertion blur", "deletion blur", "sanity all")  # measure ids


def explanation_section(folder: Path) -> str:
    """Return the section as Markdown, "" without an evaluation. Raises ModelError on a broken file."""
    path = folder / SUMMARY
    if not path.exists():
        return ""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        heads = ["Map", *(stored["measures"][column] for column in _COLUMNS)]
        rows = [_row(name, values) for name, values in stored["methods"].items()]
        scans, groups = stored["scans"], stored["groups"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{folder.name}/{SUMMARY} cannot be read ({error}); run the evaluation again") from error
    return (
        "## Explanation quality\n\n"
        f"Maps of the predicted class for {scans:,} annotated scans in {groups:,} groups that did not train the model, "
        "with 95 % intervals. Localisation (pointing game, energy lift): does the map lie in the tumour's box? "
        "Faithfulness (insertion, high is good; deletion, low is good): does the probability follow the map? Sanity "
        "check: agreement with the map of the model with randomised weights; above 0.5 a method fails. Controls know "
        "nothing of the model. A heatmap is evidence about the model, not about the patient.\n\n"
        + markdown_table(heads, rows)
    )


def _row(name: str, values: dict) -> list[str]:
    estimates = [Estimate(**values[column]).decimal(2) if column in values else "" for column in _COLUMNS]
    fails = " fails" if values.get("fails sanity") else ""
    return [f"control: {name}" if values["control"] else f"`{name}`", *estimates[:-1], estimates[-1] + fails]
