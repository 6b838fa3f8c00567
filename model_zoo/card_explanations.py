"""Where does a model look, as far as its maps show? The section of a model card that the board's summary gives.

`python -m explain board` writes explanations.json beside the card; nothing is computed here.
"""

import json
from pathlib import Path

from model_zoo.card import ModelError
from model_zoo.estimate import Estimate

SUMMARY = "explanations.json"
_MEASURES = {
    "pointing": "Pointing game",
    "lift": "Energy lift, median",
    "insertion blur": "Insertion",
    "deletion blur": "Deletion",
    "sanity all": "Forgetful network",
}


def looking(folder: Path) -> str:
    """Return the section as Markdown, "" where the board was not run. Raises ModelError on a broken summary."""
    path = folder / SUMMARY
    if not path.exists():
        return ""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [_row(name, values) for name, values in found["methods"].items()]
        scans, groups = found["scans"], found["groups"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder.name}/{SUMMARY} cannot be read ({error}); run the board again") from error
    head = f"| Map | {' | '.join(_MEASURES.values())} |\n|{' --- |' * (len(_MEASURES) + 1)}"
    return (
        "## Where does it look?\n\n"
        f"Maps of the answer on {scans:,} slices of {groups:,} groups whose tumour is boxed and which the model never "
        "trained on, with 95 % intervals. The pointing game and the energy lift say whether the map lies in the box, "
        "insertion (high is good) and deletion (low) whether the probability follows it, and the last column how far "
        "the map stays the same when the network forgets all it has learnt: above 0.5 it fails. Controls know nothing "
        "of the model. A heatmap is evidence about the model, not about the patient.\n\n" + "\n".join([head, *rows])
    )


def _row(name: str, values: dict) -> str:
    title = f"control: {name}" if values["control"] else f"`{name}`"
    cells = [_cell(values.get(measure)) for measure in _MEASURES]
    return f"| {title} | {' | '.join(cells)}{' fails' if values.get('fails sanity') else ''} |"


def _cell(stored: dict | None) -> str:
    return Estimate(**stored).decimal(2) if stored else ""
