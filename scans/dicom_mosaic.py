"""DICOM files whose one picture is a mosaic: the slices of a volume side by side, as Siemens and United Imaging write.

Siemens says so by MOSAIC in ImageType and gives the number of slices in private elements, of which an export may keep
only some: (0019,100A), or the CSA header in (0029,1010). United Imaging says so by VFRAME, with the number in
(0065,1050) and the place of each slice in the items of (0065,1051).
"""

import math
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from scans.dicom_facts import corner, directions, normal, numbers, spacing
from scans.quiet import without_warnings
from scans.scan import ScanError

_WORDS = {"MOSAIC", "VFRAME"}
_SIEMENS_COUNT, _CSA_IMAGE = 0x0019100A, 0x00291010
_UIH_COUNT, _UIH_SLICES = 0x00651050, 0x00651051
_CREATORS = (0x00190010, 0x00290010, 0x00650010)  # who wrote the private blocks
_AIR = 0.7  # of the mean of a mosaic: an edge of its tiles that is brighter on average leads through anatomy
TAGS = [*_CREATORS, _SIEMENS_COUNT, _CSA_IMAGE, _UIH_COUNT, _UIH_SLICES]


@dataclass(frozen=True)
class Mosaic:
    """How a picture is tiled: rows and columns of a tile, and the slices' first pixels in the patient, mm.

    `count` is the number of slices, 0 where the file does not say; `corners` is empty where their places are unknown.
    """

    tile: tuple[int, int]
    count: int
    corners: tuple[tuple[float, ...], ...]

    def taken_apart(self, picture: np.ndarray) -> np.ndarray:
        """Return (n, h, w) of a picture (H, W): its tiles from left to right and down, without those left empty."""
        down, across = (whole // part for whole, part in zip(picture.shape, self.tile, strict=True))
        slices = picture.reshape(down, self.tile[0], across, self.tile[1]).swapaxes(1, 2).reshape(-1, *self.tile)
        filled = np.flatnonzero(slices.max(axis=(1, 2)) > slices.min(axis=(1, 2)))
        return slices[: self.count or (filled[-1] + 1 if len(filled) else 1)]


def mosaic_of(dataset: Dataset, picture: np.ndarray) -> Mosaic | None:
    """Return how a file's one frame is tiled, None where it is no mosaic. Raises ScanError where it does not say.

    `picture` is that frame, float (H, W) from 0, which is black. Without the number of slices the acquisition matrix
    is taken for the size of a tile, where the picture is black between such tiles: it may have been interpolated.
    """
    csa = _csa(dataset)
    count = _count(dataset, csa)
    words = {str(word).strip().upper() for word in dataset.get("ImageType") or ()}
    if count < 2 and not words & _WORDS:
        return None
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    side = _side(dataset, count, columns)
    tile = (rows // side, columns // side) if side > 1 and not rows % side and not columns % side else ()
    if not tile or (count < 2 and not _air_between(picture, tile)):
        if not words & _WORDS:
            return None
        raise ScanError(
            "This DICOM file is a mosaic, many slices in one picture, and does not say how large they are; export the "
            "series as single slices or as NIfTI."
        )
    return Mosaic(tile, count, _uih_corners(dataset) or _siemens_corners(dataset, tile, csa, count or side * side))


def _side(dataset: Dataset, count: int, columns: int) -> int:
    """Return the number of tiles in a row, 0 where the file does not say."""
    if count > 1:
        return math.ceil(math.sqrt(count))
    acquired = max(numbers(dataset, 0, "", "AcquisitionMatrix"), default=0)
    return int(columns // acquired) if acquired > 0 and columns % acquired == 0 else 0


def _air_between(picture: np.ndarray, tile: tuple[int, int]) -> bool:
    """Return whether a picture (H, W) is dark all along the edges of its tiles (h, w): a cut through heads is not."""
    lines = (picture.mean(axis=1).reshape(-1, tile[0]), picture.mean(axis=0).reshape(-1, tile[1]))
    return all(each[:, [0, -1]].max() <= _AIR * picture.mean() for each in lines)


def _count(dataset: Dataset, csa: dict) -> int:
    """Return the number of slices by the private elements, 0 where they do not say."""
    for tag in (_SIEMENS_COUNT, _UIH_COUNT):
        if tag in dataset:
            value = dataset[tag].value
            try:  # a file without value representations holds it as bytes: a number of two bytes, or digits
                digits = value.decode("ascii").strip(" \0") if isinstance(value, bytes) else str(value)
                return int(float(digits)) if digits.replace(".", "").isdigit() else int.from_bytes(value, "little")
            except (ValueError, TypeError, UnicodeDecodeError):
                return int.from_bytes(value, "little") if isinstance(value, bytes) else 0
    (count,) = _csa_numbers(csa, "NumberOfImagesInMosaic")[:1] or [0]
    return int(count)


def _csa(dataset: Dataset) -> dict:
    """Return the tags of Siemens' CSA image header by name, {} where there is none or it is damaged."""
    if _CSA_IMAGE not in dataset or "CSA HEADER" not in str(dataset.get(_CREATORS[1], "CSA HEADER")):
        return {}
    with without_warnings():  # nibabel calls its DICOM part experimental; this reader is not
        from nibabel.nicom import csareader
    try:
        return csareader.read(dataset[_CSA_IMAGE].value)["tags"]
    except Exception:  # it fails in a dozen ways over a damaged header
        return {}


def _csa_numbers(csa: dict, name: str) -> list[float]:
    try:
        found = [float(item) for item in csa.get(name, {}).get("items", ())]
    except (TypeError, ValueError):
        return []
    return found if np.isfinite(found).all() else []


def _siemens_corners(dataset: Dataset, tile: tuple[int, int], csa: dict, count: int) -> tuple[tuple[float, ...], ...]:
    """Return the first pixel of each slice, mm; () where the file does not say.

    The position in the file is that of a slice as large as the whole mosaic with the same centre as the first one;
    the others follow along the normal that the CSA header gives, or that of the slice.
    """
    turned, first, apart = directions(dataset, 0), corner(dataset, 0), numbers(dataset, 0, "", "SpacingBetweenSlices")
    if not turned or not first or not apart:
        return ()
    row_mm, column_mm = spacing(dataset, 0)[0] or (0.0, 0.0)
    along, down = np.array(turned[:3]), np.array(turned[3:])
    across = normal(turned)
    told = _csa_numbers(csa, "SliceNormalVector")
    if len(told) == 3 and np.dot(told, across) < 0:
        across = -across
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    begin = np.array(first) + along * column_mm * (columns - tile[1]) / 2 + down * row_mm * (rows - tile[0]) / 2
    return tuple(tuple(map(float, begin + across * apart[0] * place)) for place in range(count))


def _uih_corners(dataset: Dataset) -> tuple[tuple[float, ...], ...]:
    """Return the first pixel of each slice by United Imaging's items, mm; () where there are none."""
    items = dataset.get(_UIH_SLICES)
    items = getattr(items, "value", None)
    if not isinstance(items, list | tuple) and not hasattr(items, "__iter__"):
        return ()
    try:
        return tuple(corner(item, 0) for item in items) if all(corner(item, 0) for item in items) else ()
    except AttributeError:  # bytes, where the file has no value representations
        return ()
