"""The reference set: about 400 slices of figshare 1512427 that ship with Candor (CC BY 4.0).

Similar cases are shown from it where no collection is on the machine. It holds slices of the training part alone, at
most 160 pixels a side, as JPEG; `cases.csv` has their class, plane and group.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from datasets.records import Record, load
from model_zoo.whole_files import write_whole
from scans import Scan, read, resize

REFERENCE = Path(__file__).parent / "reference"
CASES = "cases.csv"
ATTRIBUTION = (
    "Slices of the brain tumor dataset by Jun Cheng, figshare 2017, doi:10.6084/m9.figshare.1512427, CC BY 4.0; "
    "reduced to 160 pixels and saved again as JPEG."
)
NUMBER = 400
_SIDE = 160  # pixels
_QUALITY = 85


@dataclass(frozen=True)
class ReferenceCase:
    """A shipped slice: the name of its file, its class in figshare, its plane and its group."""

    name: str
    label: str
    plane: str
    group: str


def reference_cases() -> list[ReferenceCase]:
    """Return the shipped slices, in the order of the file; none where the set is not there."""
    path = REFERENCE / CASES
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [ReferenceCase(**row) for row in csv.DictReader(file)]


def reference_scan(name: str) -> Scan:
    """Return a shipped slice as a scan."""
    return read(REFERENCE / Path(name).name, sequence="T1C+")[0]


def chosen_slices(records: Sequence[Record], number: int = NUMBER) -> list[Record]:
    """Return `number` training slices, spread over classes and planes, as few of one group as can be."""
    piles: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.split == "train" and record.plane:
            piles.setdefault((record.label, record.plane), []).append(record)
    chosen: list[Record] = []
    for place, pile in enumerate(piles.values()):
        share = round((number - len(chosen)) / (len(piles) - place))
        by_group: dict[str, list[Record]] = {}
        for record in pile:
            by_group.setdefault(record.group, []).append(record)
        turns = [
            group[i] for i in range(max(map(len, by_group.values()))) for group in by_group.values() if i < len(group)
        ]
        chosen += turns[:share]
    return sorted(chosen, key=lambda record: record.number)


def write_reference_set(records: Sequence[Record]) -> None:
    """Write the slices and `cases.csv`; `records` are those of figshare, split."""
    REFERENCE.mkdir(exist_ok=True)
    for path in REFERENCE.glob("*.jpg"):
        path.unlink()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "label", "plane", "group"])
    for record in chosen_slices(records):
        pixels = load(record).windowed()
        scale = _SIDE / max(pixels.shape)
        small = resize(pixels, tuple(max(1, round(side * scale)) for side in pixels.shape))
        _, code = cv2.imencode(".jpg", np.round(255 * small).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        name = f"{record.number}.jpg"
        write_whole(REFERENCE / name, code.tobytes())
        writer.writerow([name, record.label, record.plane, record.group])
    write_whole(REFERENCE / CASES, text.getvalue())
    write_whole(
        REFERENCE / "ATTRIBUTION.md",
        f"# Attribution\n\n{ATTRIBUTION}\n\nLicence: https://creativecommons.org/licenses/by/4.0/\n",
    )
