"""Where the maps of Candor's own models lie on as many annotated scans as there are, 200 at most.

python -m benchmarks.localisation [MODEL ...]      # needs the collections in $CANDOR_DATA

The evaluation of a bundle takes every method and every measure, and for the slower networks fewer scans than this.
Models that are not named keep their figures.
"""

import sys
from dataclasses import asdict

from benchmarks.record import read_results, write
from datasets.cards import data_folder
from explain.evaluation.cases import cases
from explain.evaluation.cli import evaluated
from explain.evaluation.results import summarised
from model_zoo import load_model, models
from model_zoo.zoo import bundle_folder

METHODS = ("gradcam", "gradcam++", "saliency", "occlusion")
SCANS = 200


def main() -> None:
    """Evaluate the place of the maps of every one of Candor's own models, or of those named."""
    wanted = sys.argv[1:] or [name for name in models() if name.startswith("candor-")]
    before = read_results("localisation")["models"] if sys.argv[1:] else {}
    write("localisation", {"models": before | {name: _evaluated(name) for name in wanted}})


def _evaluated(name: str) -> dict:
    model = load_model(name, precision="f32")
    chosen = cases(model.card, bundle_folder(name), data_folder(), SCANS, 0)
    rows = [row for _, rows in evaluated(model, chosen, METHODS, 0, faithfulness=False) for row in rows]
    results = summarised(rows, name, model.card.weights_sha256)
    kept = {
        method: {measure: asdict(each) for measure, each in result.estimates.items() if measure in ("pointing", "lift")}
        for method, result in results.methods.items()
    }
    return {"scans": results.scans, "groups": results.groups, "weights": results.weights, "methods": kept}


if __name__ == "__main__":
    main()
