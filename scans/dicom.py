"""DICOM files as scans: their pixels and a short list of facts; everything else is dropped.

Order of the pipeline after DICOM PS3.4 N.2: stored values, modality LUT or rescale, VOI LUT or window; MONOCHROME1
and an inverse presentation are inverted at the end, which pydicom leaves to its caller. Runs in the sandbox; no
exception of pydicom may be shown to anyone, since it can quote the dataset.
"""

import math
from collections.abc import Iterator

import numpy as np
from pydicom import Dataset
from pydicom.pixels import iter_pixels

from scans.dicom_facts import (
    acquired,
    aspect,
    burned_in,
    corner,
    directions,
    inverted,
    modality,
    orientation,
    padding,
    position,
    rescale,
    series,
    spacing,
    surplus_bits,
    window,
)
from scans.dicom_files import dataset_of
from scans.dicom_kinds import about_kind, refuse_other_objects, withheld
from scans.dicom_mosaic import TAGS as MOSAIC_TAGS
from scans.dicom_mosaic import mosaic_of
from scans.dicom_stacks import Stack, chosen, contrast, stacks
from scans.dicom_tables import by_table, coloured, top_of_table
from scans.jpeg_decoders import only_plugin, register
from scans.scan import MAX_PIXELS, MAX_VOXELS, Scan, ScanError
from scans.window import darken_background, fill, mend, place_window, slices_window, stretch_in_place

register()

_NAMED = 5  # other stacks of a file, in a note
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GRAYS = ("MONOCHROME1", "MONOCHROME2")
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's "L"

# What is read at all. Names, dates, numbers and free text are not on the list.
_PICTURE = (
    "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated "
    "BitsStored HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit PresentationLUTShape "
    "PixelAspectRatio ExtendedOffsetTable ExtendedOffsetTableLengths"
)
_FACTS = (
    "SOPClassUID ConversionType Modality BurnedInAnnotation SeriesInstanceUID AcquisitionNumber InstanceNumber "
    "ImageOrientationPatient ImagePositionPatient PixelSpacing "
    "WindowCenter WindowWidth VOILUTFunction VOILUTSequence RescaleSlope RescaleIntercept ModalityLUTSequence "
    "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence RealWorldValueMappingSequence "
    "ImageType EchoTime DiffusionBValue TemporalPositionIdentifier AcquisitionMatrix SpacingBetweenSlices"
)
_PALETTE = [
    name.format(colour)
    for colour in ("Red", "Green", "Blue")
    for name in (
        "{}PaletteColorLookupTableDescriptor",
        "{}PaletteColorLookupTableData",
        "Segmented{}PaletteColorLookupTableData",
    )
]
_TAGS = [*_PICTURE.split(), *_FACTS.split(), *_PALETTE, *_PIXELS, *MOSAIC_TAGS]


def read_dicom(data: bytes, _plane: str = "", stack: str = "") -> Iterator[Scan]:
    """Yield a scan for each frame of one of the file's stacks, in anatomical order; the plane is the file's own.

    `stack` is its name, "" for the first one. All of them share one span. Raises ScanError with a sentence for the
    user, and any other exception over a broken file.
    """
    dataset, about_file = dataset_of(data, _TAGS)
    refuse_other_objects(dataset)
    frames, rows, columns = _shape(dataset)
    name, notes = modality(dataset)
    found = stacks(dataset, frames)
    names = tuple(each.name for each in found) if len(found) > 1 else ()
    shown = chosen(found, stack)
    notes = about_file + notes + _about_stacks(found, shown)
    values, top, padded = _values(dataset, shown.frames, (rows, columns))
    notes += burned_in(dataset) + about_kind(dataset, shown.frames[0]) + rescale(dataset, 0)[2] + mend(values)
    white = inverted(dataset)
    if padded.any():
        fill(values, padded, white)
    elif not top:
        notes += darken_background(values, white)
    if top:
        values /= np.float32(top)
        span, default = (0.0, float(top)), (0.0, 1.0)
    else:
        span = stretch_in_place(values)
        default, about_slices = slices_window(values)
        notes += about_slices
    if white:
        np.subtract(np.float32(1), values, out=values)
    places = [(frame, corner(dataset, frame)) for frame in shown.frames]
    mosaic = mosaic_of(dataset, values[0]) if frames == 1 else None
    if mosaic:
        values = mosaic.taken_apart(values[0])
        # A file may give fewer places than there are slices: then none is sure.
        known = mosaic.corners if len(mosaic.corners) >= len(values) else [()] * len(values)
        places = [(-1, place) for place in known[: len(values)]]
        notes += (f"This file is a mosaic; its {len(values)} tiles are shown as slices.",)
    scans = []
    for pixels, (place, first) in zip(values, places, strict=True):
        frame = max(place, 0)
        # A window is for gray values only (PS3.3 C.11.2.1.2); a picture is shown as it is.
        fixed = top or _in_colour(dataset)
        visible, own, about_window = (default, bool(top), ()) if fixed else _window(dataset, frame, span, default)
        size, about_size = spacing(dataset, frame)
        turned = directions(dataset, frame)
        plane, edges = orientation(turned)
        scan = Scan(
            pixels,
            digest="",
            frame=place,
            stack=shown.name or ", ".join(filter(None, contrast(dataset, frame))),
            stacks=names,
            plane=plane,
            spacing=size or aspect(dataset) or (1.0, 1.0),
            in_mm=size is not None,
            span=span[::-1] if white else span,
            window=(1 - visible[1], 1 - visible[0]) if white else visible,
            own_window=own,
            modality=name,
            edges=edges,
            series=series(dataset),
            acquired=acquired(dataset),
            directions=turned,
            corner=first,
            position=position(turned, first),
            withheld=withheld(dataset, frame),
            notes=notes + about_window + about_size,
        )
        scans.append(scan)
    if mosaic and all(scan.position is not None for scan in scans):
        scans.sort(key=lambda scan: scan.position)
    yield from scans


def _about_stacks(found: list[Stack], shown: Stack) -> tuple[str, ...]:
    """Return notes where a file holds more than what is shown of it, or where no model knows what is shown."""
    others = [f"{stack.name} ({len(stack.frames)} frames)" for stack in found if stack != shown]
    if not others:
        return ()
    named = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
    what = f"{shown.name} ({len(shown.frames)} frames)"
    return (f"This file holds {len(found)} stacks; this is {what}. The others: {named}.",)


def _shape(dataset: Dataset) -> tuple[int, int, int]:
    """Return frames, rows and columns, checked against the limits and the bytes of the file. Raises ScanError."""
    pixels = next((dataset[key] for key in _PIXELS if key in dataset), None)
    if pixels is None:
        raise ScanError(
            "This DICOM file holds no picture (it may be a report, a plan or a list of files, or cut short); send "
            "the images of the series."
        )
    frames, rows, columns = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
    size = f"{frames} x " * (frames > 1) + f"{columns} x {rows} pixels"
    if min(frames, rows, columns) < 1:
        raise ScanError(f"This DICOM file claims {size}; export the series again.")
    if rows * columns > MAX_PIXELS or frames * rows * columns > MAX_VOXELS:
        raise ScanError(
            f"This DICOM file claims {size}; {MAX_PIXELS / 1e6:.0f} million at most are accepted in a frame and "
            f"{MAX_VOXELS / 1e6:.0f} million in a file, so export fewer frames."
        )
    native = not dataset.file_meta.TransferSyntaxUID.is_compressed
    if native and dataset.SamplesPerPixel == 1:
        needed = math.ceil(frames * rows * columns * dataset.BitsAllocated / 8)
        if len(pixels.value) < needed:
            raise ScanError(
                f"This DICOM file claims {size}, which take {needed} bytes, but holds {len(pixels.value)}; it is "
                "damaged or was cut short on its way, so send it again."
            )
    return frames, rows, columns


def _values(dataset: Dataset, frames: tuple[int, ...], size: tuple[int, int]) -> tuple[np.ndarray, int, np.ndarray]:
    """Return float32 (n, rows, columns) of `frames` in the modality's unit, the top of a fixed scale, and the padding.

    Colour, 8-bit gray without a rule for its display, and the output of a VOI LUT are pictures like any PNG: black is
    0 and white is the top, whatever values occur. For all else the top is 0: the values themselves decide, also of
    deeper colours that do not need their highest bit. The padding is bool, of the same shape or empty: where the
    stored values stand for no anatomy.
    """
    shape = len(frames), *size
    values = np.empty(shape, np.float32)
    top = used = 0
    edges = padding(dataset)
    padded = np.zeros(shape if edges else 0, bool)
    colour, shift = _in_colour(dataset), surplus_bits(dataset)
    # pydicom keeps the lowest BitsStored bits and clears the others.
    stored = {"bits_stored": dataset.BitsStored + shift} if shift else {}
    syntax = dataset.file_meta.TransferSyntaxUID
    words = "<u2" if syntax.is_little_endian else ">u2"
    place = {frame: number for number, frame in enumerate(frames)}
    inner = sorted(frames)
    decoded = iter_pixels(dataset, indices=inner, decoding_plugin=only_plugin(syntax), **stored)
    for number, frame in zip(inner, decoded, strict=True):
        index = place[number]
        if shift:
            frame = frame >> shift
        if frame.ndim == 3:
            used = max(used, int(frame.max()))
        elif colour:
            frame, used = coloured(frame, dataset, words), math.inf
        if frame.ndim == 3:
            top = np.iinfo(frame.dtype).max
            values[index] = frame[..., :3] @ _LUMA
            continue
        if edges:
            padded[index] = (frame >= edges[0]) & (frame <= edges[1])
        if dataset.get("ModalityLUTSequence"):
            values[index] = by_table(frame, dataset.ModalityLUTSequence[0], words)
        else:
            slope, intercept, _ = rescale(dataset, number)
            np.multiply(frame, slope, out=values[index], casting="same_kind")
            values[index] += np.float32(intercept)
    if colour:
        if top > 255 and used <= top // 2:
            top = 0
            np.round(values, out=values)
        return values, top, padded[:0]
    if dataset.get("VOILUTSequence") and window(dataset, 0) == (None, ()):
        for page in values:
            page[:] = by_table(np.round(page), dataset.VOILUTSequence[0], words)
        # The entries of some tables need more bits than their descriptor gives.
        top = max(top_of_table(dataset.VOILUTSequence[0]), math.ceil(values.max()))
    elif dataset.get("BitsStored") == 8 and not dataset.PixelRepresentation and _plain(dataset):
        top = 255
    return values, top, padded if not padded.all() else padded[:0]


def _in_colour(dataset: Dataset) -> bool:
    return str(dataset.PhotometricInterpretation).strip() not in _GRAYS


def _plain(dataset: Dataset) -> bool:
    """True if the file says nothing on how its values are scaled and shown."""
    scaled = dataset.get("ModalityLUTSequence") or rescale(dataset, 0) != (1.0, 0.0, ())
    windowed = dataset.get("VOILUTSequence") or window(dataset, 0) != (None, ())
    return not scaled and not windowed


def _window(
    dataset: Dataset, frame: int, span: tuple[float, float], default: tuple[float, float]
) -> tuple[tuple[float, float], bool, tuple[str, ...]]:
    """Return a frame's window as a part of [0, 1], whether it is the file's own, and notes where that is of no use."""
    requested, notes = window(dataset, frame)
    if requested is None or span[0] == span[1]:
        return default, False, notes
    placed = place_window(*requested, span)
    if placed is None:
        return (
            default,
            False,
            (
                f"This file asks for a window from {requested[0]:g} to {requested[1]:g}, beyond its values "
                f"({span[0]:g} to {span[1]:g}); Candor shows the 0.1 % to 99.9 % range instead.",
            ),
        )
    return placed, True, ()
