"""The facts of a DICOM frame that Candor keeps: scale, window, orientation; nothing that identifies the patient.

An enhanced multi-frame file keeps these facts in functional groups, one item per frame or one for all
(PS3.3 C.7.6.16); a classic one keeps them at its top. A fact that is missing or absurd is no reason
to refuse the pixels: it is left out, with a note where it matters to the user.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

_MODALITIES = ("MR", "CT", "PT", "NM", "CR", "DX", "RF", "XA", "US", "MG", "OT", "SC", "SEG", "ES", "GM", "SM", "XC")
_SIDES = (("R", "L"), ("A", "P"), ("I", "S"))  # where x, y, z of a patient begin and end
_PLANES = ("sagittal", "coronal", "axial")  # the planes that x, y, z stand upright on
_UPWARDS = (-1, -1, 1)  # a patient's x, y and z, turned to the right, the front and the head
_ASPECT = 20.0  # of a pixel's sides; beyond it the field holds something else
_MM = (0.01, 50.0)  # spacing of a scanner; beyond it the field holds something else


def modality(dataset: Dataset) -> tuple[str, tuple[str, ...]]:
    """Return "MR", "CT" ..., or "" for none or an unknown one, and a note where it is not MR."""
    name = str(dataset.get("Modality", "")).strip()
    if name not in _MODALITIES:
        return "", ()
    return name, () if name == "MR" else (f"This file says that it is {name}, not MR; the models know only MR.",)


def burned_in(dataset: Dataset) -> tuple[str, ...]:
    """Return a note if the file says that text is part of its pixels."""
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() != "YES":
        return ()
    return ("This file says that text is burned into its picture, which may name the patient or mislead a model.",)


def rescale(dataset: Dataset, frame: int) -> tuple[float, float, tuple[str, ...]]:
    """Return slope and intercept of the modality's unit, 1 and 0 if there are none, and notes.

    Without them those of the real-world values count (PS3.3 C.7.6.16.2.11), unless the file gives a window, which is
    never in their unit: frames that are stored with scales of their own can then be compared.
    """
    group = "PixelValueTransformationSequence"
    slope, intercept = (numbers(dataset, frame, group, name) for name in ("RescaleSlope", "RescaleIntercept"))
    if not slope and not intercept:
        group = "RealWorldValueMappingSequence"
        slope, intercept = (numbers(dataset, frame, group, f"RealWorldValue{end}") for end in ("Slope", "Intercept"))
        if not slope or slope[0] == 0 or window(dataset, frame)[0]:
            return 1.0, 0.0, ()
    if slope and slope[0] == 0:
        return 1.0, 0.0, ("This file asks to multiply its values by 0; Candor shows them as they are stored.",)
    return (slope or [1.0])[0], (intercept or [0.0])[0], ()


def padding(dataset: Dataset) -> tuple[int, int] | None:
    """Return the smallest and largest stored value that stand for no anatomy (PS3.3 C.7.5.1.1.2), or None.

    Files give the value signed or unsigned, whatever their pixels are.
    """
    given = [dataset.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if given[0] is None:
        return None
    bits = int(dataset.BitsAllocated)
    try:
        edges = [int(value) % 2**bits for value in given if value is not None]
    except (TypeError, ValueError):
        return None
    if dataset.PixelRepresentation:
        edges = [edge - 2**bits if edge >= 2 ** (bits - 1) else edge for edge in edges]
    return min(edges), max(edges)


def surplus_bits(dataset: Dataset) -> int:
    """Return by how many bits uncompressed values stand too far left, as HighBit says (PS3.5 8.1.1), or 0.

    Some files give a wrong HighBit: values that fit into the lowest BitsStored bits stand there.
    """
    stored, allocated = int(dataset.get("BitsStored") or 0), int(dataset.BitsAllocated)
    high, syntax = int(dataset.get("HighBit") or 0), dataset.file_meta.TransferSyntaxUID
    if not 0 < stored <= high < allocated or allocated not in (8, 16, 32) or syntax.is_compressed:
        return 0
    signed = int(dataset.PixelRepresentation)
    order = "<" if syntax.is_little_endian else ">"
    values = np.frombuffer(dataset.get("PixelData") or bytes(4), f"{order}{'ui'[signed]}{allocated // 8}")
    most = 2 ** (stored - signed) - 1
    return high + 1 - stored if values.max() > most or values.min() < (-most - 1) * signed else 0


def inverted(dataset: Dataset) -> bool:
    """Return whether the smallest value is white, by the interpretation or by the presentation (PS3.3 C.11.6)."""
    white_is_zero = str(dataset.PhotometricInterpretation).strip() == "MONOCHROME1"
    return white_is_zero or str(dataset.get("PresentationLUTShape", "")).strip().upper() == "INVERSE"


def window(dataset: Dataset, frame: int) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Return the values that become black and white by the first window of the file, or None, and notes.

    The edges are those of PS3.3 C.11.2.1.2 for the function LINEAR (the default), of C.11.2.1.3.2 for
    LINEAR_EXACT; a SIGMOID is taken for the straight line through its middle.
    """
    group = "FrameVOILUTSequence"
    center, width = (numbers(dataset, frame, group, name) for name in ("WindowCenter", "WindowWidth"))
    if not center or not width:
        return None, ()
    if width[0] <= 0:
        return None, (
            f"This file asks for a window of width {width[0]:g}; Candor shows the 0.1 % to 99.9 % range instead.",
        )
    function = str(find(dataset, frame, group, "VOILUTFunction") or "LINEAR").strip().upper()
    if function == "LINEAR" and width[0] >= 1:
        return (center[0] - 0.5 - (width[0] - 1) / 2, center[0] - 0.5 + (width[0] - 1) / 2), ()
    return (center[0] - width[0] / 2, center[0] + width[0] / 2), ()


def spacing(dataset: Dataset, frame: int) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Return mm between rows and between columns, None where unknown, and a note where they are absurd."""
    sizes = numbers(dataset, frame, "PixelMeasuresSequence", "PixelSpacing")
    if len(sizes) == 2 and all(_MM[0] <= mm <= _MM[1] for mm in sizes):
        return (sizes[0], sizes[1]), ()
    if not sizes:
        return None, ()
    return None, ("This file's pixel spacing cannot be right; its pixels are taken for squares.",)


def aspect(dataset: Dataset) -> tuple[float, float] | None:
    """Return the heights and widths of pixels whose size in mm is unknown, the smaller as 1, or None where equal."""
    ratio = numbers(dataset, 0, "", "PixelAspectRatio")
    if len(ratio) != 2 or min(ratio) <= 0 or max(ratio) > _ASPECT * min(ratio) or ratio[0] == ratio[1]:
        return None
    return ratio[0] / min(ratio), ratio[1] / min(ratio)


def orientation(directions: Sequence[float]) -> tuple[str, tuple[str, str, str, str]]:
    """Return the plane and the patient's side at left, right, top and bottom; "" where it is unknown.

    `directions` (6 or none) are those of a row and of a column; x grows to the patient's left, y to the back, z to the
    head (PS3.3 C.7.6.2.1.1).
    """
    unknown = "", ("", "", "", "")
    if not directions:
        return unknown
    left, right = _sides(directions[:3])
    top, bottom = _sides(directions[3:])
    if {left, right} == {top, bottom}:  # cut at 45 degrees: one letter for two sides tells nothing
        return unknown
    return _PLANES[int(np.argmax(np.abs(normal(directions))))], (left, right, top, bottom)


def position(directions: Sequence[float], corner: Sequence[float]) -> float | None:
    """Return how far along its series a slice lies, mm; None where `directions` (6) or `corner` (3) is empty.

    Measured across the slice, and growing upwards, forwards or to the patient's right, whichever is nearest: so
    are the slices of a NIfTI volume ordered.
    """
    if not directions or not corner:
        return None
    return float(upward_sign(directions) * (normal(directions) @ np.array(corner)))


def normal(directions: Sequence[float]) -> np.ndarray:
    """Return the direction across a slice, (3,): that of a row times that of a column."""
    return np.cross(directions[:3], directions[3:])


def upward_sign(directions: Sequence[float]) -> int:
    """Return 1 where `position` grows along the normal of the slice, -1 where it falls."""
    across = normal(directions)
    axis = int(np.argmax(np.abs(across)))
    return int(_UPWARDS[axis] * np.sign(across[axis]))


def corner(dataset: Dataset, frame: int) -> tuple[float, ...]:
    """Return x, y and z of a frame's first pixel in the patient, mm; () where the file does not say.

    One place for several frames is not that of each: older files give that of the first.
    """
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        frames = _value(dataset, "PerFrameFunctionalGroupsSequence") or []
        dataset, frame = frames[frame] if frame < len(frames) else Dataset(), 0
    place = numbers(dataset, frame, "PlanePositionSequence", "ImagePositionPatient")
    return tuple(place) if len(place) == 3 else ()


def directions(dataset: Dataset, frame: int) -> tuple[float, ...]:
    """Return the directions of a row and of a column, x, y, z each; () where they are not at right angles."""
    cosines = numbers(dataset, frame, "PlaneOrientationSequence", "ImageOrientationPatient")
    if len(cosines) != 6:
        return ()
    along, down = np.array(cosines[:3]), np.array(cosines[3:])
    if abs(along @ along - 1) > 0.01 or abs(down @ down - 1) > 0.01 or abs(along @ down) > 0.01:
        return ()
    return tuple(cosines)


def acquired(dataset: Dataset) -> tuple[int, int]:
    """Return the number of the acquisition and that of the instance in its series, 0 for each that is missing."""
    return tuple(int((numbers(dataset, 0, "", name) or [0.0])[0]) for name in ("AcquisitionNumber", "InstanceNumber"))


def series(dataset: Dataset) -> str:
    """Return the sha256 of the number that all files of one series share, "" for none; the number stays here."""
    number = str(dataset.get("SeriesInstanceUID") or "").strip()
    return hashlib.sha256(number.encode()).hexdigest() if number else ""


def _sides(direction: Sequence[float]) -> tuple[str, str]:
    axis = int(np.argmax(np.abs(direction)))
    begin, end = _SIDES[axis]
    return (begin, end) if direction[axis] > 0 else (end, begin)


def numbers(dataset: Dataset, frame: int, group: str, keyword: str) -> list[float]:
    """Return the finite numbers of a fact, [] if it is missing or holds anything else."""
    try:
        value = find(dataset, frame, group, keyword)
        numbers = [float(number) for number in np.atleast_1d([] if value is None else value)]
    except (ValueError, TypeError, OverflowError):
        return []
    return numbers if np.isfinite(numbers).all() else []


def find(dataset: Dataset, frame: int, group: str, keyword: str):
    """Return the value of `keyword` for a frame: from its own group, the shared one, the file's or the top."""
    frames = _value(dataset, "PerFrameFunctionalGroupsSequence") or []
    shared = _value(dataset, "SharedFunctionalGroupsSequence") or []
    if group:
        for item in (*frames[frame : frame + 1], *shared[:1], dataset):
            for entry in (_value(item, group) or [])[:1]:
                value = _value(entry, keyword)
                if value is not None:
                    return value
    return _value(dataset, keyword)


def _value(dataset: Dataset, keyword: str):
    """Return what `Dataset.get` does, five times as fast where it is missing, as most facts are."""
    return dataset[keyword].value if keyword in dataset else None
