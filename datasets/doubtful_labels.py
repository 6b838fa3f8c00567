"""Test scans whose label does not fit what is seen: a lesion in a head labelled "no tumour", or no lesion at all.

Found among the scans that Candor's models called wrongly, looked at one by one by Candor's makers, who are no
radiologists. Scans that the models called as labelled were not looked at, so there are more of them than stand here.
Labels are used as published: no score and no training leaves these scans out.
"""

import csv
from functools import cache
from pathlib import Path

DOUBTFUL_LABELS = Path(__file__).with_suffix(".csv")
SEEN = {"lesion": "a lesion, labelled as no tumour", "nothing": "no lesion that we see, labelled as a tumour"}


@cache
def doubtful_labels() -> dict[str, str]:
    """Return by the id of a scan what is seen on it, a key of SEEN. An id begins with the collection's folder."""
    with DOUBTFUL_LABELS.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row["seen"] for row in csv.DictReader(file)}
