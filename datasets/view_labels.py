"""Labels that Candor's makers gave to the scans of the collections: kind, plane, and the sequence where it is plain.

Nobody publishes the plane of these scans, and only 44c and figshare their sequence. Planes were looked at in groups of
alike scans, the doubtful ones singly. Sequences are those of which a classifier is sure that was trained on the
published ones and on groups looked at. The CTs among the scans are named.
"""

import csv
from functools import cache
from pathlib import Path

VIEW_LABELS = Path(__file__).with_suffix(".csv")


@cache
def view_labels() -> dict[str, dict[str, str]]:
    """Return, by the id of a scan, its `kind` ("head", "ct", or "" where it is doubtful), `plane` and `sequence`.

    An id begins with the collection's folder.
    """
    with VIEW_LABELS.open(newline="", encoding="utf-8") as file:
        return {row.pop("id"): row for row in csv.DictReader(file)}


def plane_of(scan_id: str) -> str:
    """Return the plane of a scan, "" where it has no label."""
    return view_labels().get(scan_id, {}).get("plane", "")
