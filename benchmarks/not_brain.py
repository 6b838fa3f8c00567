"""What the classifiers predict for chest X-rays and head CTs, which they were not made for, and what the gate says.

python -m benchmarks.not_brain      # needs the collection not-brain-mri in $CANDOR_DATA

Every picture is predicted although the gate withholds it. Models that were measured before and are not in the zoo now,
such as imported ones on another machine, keep their figures.
"""

import numpy as np

from benchmarks.record import read_results, write
from datasets.cards import data_folder
from datasets.gate_pictures import NOT_BRAIN
from datasets.label_map import HEALTHY
from datasets.layouts import pictures_in
from model_zoo import load_model, models
from model_zoo.gate import check_picture
from scans import read

KINDS = {"chest-xray": "chest X-rays", "head-ct": "head CTs"}  # folder below NOT_BRAIN -> what it holds
SURE = 0.9


def main() -> None:
    """Predict every picture with every classifier of four classes, the imported ones included."""
    found, before = {}, read_results("not_brain")
    names = [card.id for card in models().values() if {"notumor", "glioma"} <= set(card.classes)]
    for folder, kind in KINDS.items():
        scans = [read(path)[0] for path in pictures_in(data_folder() / NOT_BRAIN / folder)]
        withheld = sum(bool(check_picture(scan).withheld) for scan in scans)
        found[kind] = {"pictures": len(scans), "withheld by the gate": withheld}
        found[kind]["models"] = {name: _said(name, scans) for name in names}
        found[kind]["models"] |= {name: said for name, said in before[kind]["models"].items() if name not in names}
    write("not_brain", found)


def _said(name: str, scans: list) -> dict[str, int]:
    """Return how many pictures a model calls each class, and how many a tumour with more than 90 %."""
    model = load_model(name, precision="f32")
    p = model.classify(scans)
    best = np.array(model.card.classes)[p.argmax(axis=1)]
    tumour = ~np.isin(best, HEALTHY)
    counts = {label: int((best == label).sum()) for label in model.card.classes}
    return counts | {"a tumour, above 90 %": int((tumour & (p.max(axis=1) > SURE)).sum())}


if __name__ == "__main__":
    main()
