"""What the removal of a region leaves of a lesion: figshare's annotated slices, their boxes taken for the region.

python -m benchmarks.erasure      # needs figshare's slices in $CANDOR_DATA

Before: the box alone, inpainted from its rim (Telea 2004), as Candor did it. Now: as `explain counterfactual` does it.
Both are measured against one surrounding, that of the larger hole.
"""

from collections import defaultdict
from statistics import median

import cv2
import numpy as np

from benchmarks.record import write
from datasets.annotations import annotated_boxes, boxes_in_pixels, has_annotation
from datasets.cards import data_folder, dataset_card
from datasets.readers import read_records
from datasets.records import Record
from explain.counterfactual.control import control_region
from explain.counterfactual.edits import outline
from explain.counterfactual.erasure import MOST_LEFT, contrast_left, erase
from scans import Box, find_head, read

EACH = 16  # slices of a class
_TASK = "figshare3"
_RADIUS, _STEPS = 3, 65535


def main() -> None:
    """Measure `EACH` slices of each class, drawn with a fixed seed."""
    by_class: dict[str, list[Record]] = defaultdict(list)
    for record in read_records(dataset_card(_TASK), data_folder()):
        if has_annotation(record.path):
            by_class[record.label].append(record)
    rng = np.random.default_rng(0)
    found = {}
    for label, records in sorted(by_class.items()):
        chosen = rng.choice(len(records), EACH, replace=False)
        found[label] = _summary([_measured(records[place]) for place in sorted(chosen)])
    write("erasure", {"most left": MOST_LEFT, "classes": found})


def inpainted_from_the_rim(picture: np.ndarray, box: Box) -> np.ndarray:
    """Return the picture, float32 (H, W) in [0, 1], with the box filled by Telea's method and nothing else changed."""
    hole = np.zeros(picture.shape, np.uint8)
    hole[box.slices] = 1
    filling = cv2.inpaint(np.round(_STEPS * picture).astype(np.uint16), hole, _RADIUS, cv2.INPAINT_TELEA)
    return np.where(hole, filling / np.float32(_STEPS), picture).astype(np.float32)


def _measured(record: Record) -> dict:
    """Return the shares of contrast left, before and now, and which control the region has."""
    scan = read(record.path)[0]
    picture, box = scan.windowed(), boxes_in_pixels(annotated_boxes(record.path), scan.shape)[0]
    head = outline(picture)
    now = erase(picture, box, head)
    before = contrast_left(picture, inpainted_from_the_rim(picture, box), box, now.hole, head)
    control = control_region(box, head, find_head(picture), margin=now.margin)
    return {"before": before, "now": now.contrast_left, "control": control.place if control else "none"}


def _summary(slices: list[dict]) -> dict:
    seen = [each for each in slices if each["now"] is not None]
    controls = [each["control"] for each in slices]
    return {
        "slices": len(slices),
        "stand out from their surrounding": len(seen),
        **{
            when: {
                "over half left": sum(each[when] > MOST_LEFT for each in seen),
                "median left": round(median(each[when] for each in seen), 3),
                "most left": round(max(each[when] for each in seen), 3),
            }
            for when in ("before", "now")
        },
        "controls": {place: controls.count(place) for place in ("mirrored", "elsewhere", "none")},
    }


if __name__ == "__main__":
    main()
