"""A map as a DICOM Parametric Map: its float32 values in the geometry of the scan, for programs that overlay images.

The values are those of the map, not of a picture of it. Where the source says where it lies, the map lies there too, in
the same frame of reference. The standard has no map without a size and a place: what the file does not give is a
placeholder in a frame of reference of the map's own, which no other image shares, and the map says so in words.
Source: DICOM PS3.3 A.75 (Parametric Map), C.7.6.16.2.11 (real-world values), CID 7180 (quantities).
"""

import hashlib
import io
from dataclasses import dataclass

import numpy as np

from explain.explanation import Explanation
from explain.methods import METHODS
from explain.report.dicom_codes import class_code, method_code, own, schemes
from explain.report.dicom_source import (
    SERIES_NUMBERS,
    coded,
    has_source,
    header_of,
    identifier,
    lossy_compression,
    maker_and_dates,
    refer,
    series_of,
    set_dates,
    source_item,
    stand_in,
)
from explain.report.report_input import ReportInput
from explain.report.secondary_capture import caption_line
from scans import Scan
from scans.quiet import without_warnings

SERIES = "Candor map values, not for diagnosis"
_TOWARDS = {  # x, y and z of the way to a side of the patient (PS3.3 C.7.6.2.1.1)
    "L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1),
}  # fmt: skip
_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"  # what highdicom takes every source for
_LONGEST = 64  # characters of a description (PS3.5: LO)
_LABEL = 16  # characters of a label (PS3.5: SH)


def parametric_map(report: ReportInput, explanation: Explanation, data: bytes | None, identity: bool = False) -> bytes:
    """Return a DICOM file of the values of one of the report's maps, float32 in the pixels of the scan.

    `data` are the bytes that the scan was read from; of DICOM the map keeps study, frame of reference and geometry, and
    refers to series, instance and frame. The patient is copied only on request (`identity`). The same input gives the
    same bytes and identifiers. Raises ScanError where the header cannot be read again, ValueError where `data` is
    another file.
    """
    header = header_of(report, data, identity)
    series = series_of(report, header, "map")
    instance = identifier("instance", series, hashlib.sha256(explanation.heat).hexdigest(), explanation.manifest())
    with without_warnings():  # pydicom's, on values of the source that violate the standard
        dataset = _dataset(report, explanation, header, series, instance)
        set_dates(dataset, report)
        _refer(dataset, report, header)
        _set_dimensions(dataset, instance)
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@dataclass(frozen=True)
class Place:
    """Where a map lies: directions of a row and of a column, corner and pixel size, mm.

    `placeholders` names what of it the file does not give; () where the map lies where its source does.
    """

    directions: tuple[float, ...]
    corner: tuple[float, ...]
    spacing: tuple[float, float]
    placeholders: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What the file does not give, in words; "" where it gives all."""
        if not self.placeholders:
            return ""
        return f"The file gives no {', no '.join(self.placeholders)}: these are placeholders here and say nothing."


def place_of(scan: Scan) -> Place:
    """Return where a scan lies. Its sides stand for the directions where the file gives no more than those.

    >>> place_of(Scan(np.eye(64), "", edges=("R", "L", "A", "P"))).placeholders
    ('size of a pixel', 'position')
    """
    lacking = [] if scan.in_mm else ["size of a pixel"]
    directions = scan.directions or tuple(
        float(number) for side in (scan.edges[1], scan.edges[3]) for number in _TOWARDS.get(side, ())
    )
    if len(directions) != 6:
        directions = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        lacking.append("orientation")
    if len(scan.corner) != 3 or not scan.directions:
        lacking.append("position")
    corner = (0.0, 0.0, 0.0) if "position" in lacking else scan.corner
    return Place(directions, corner, scan.spacing, tuple(lacking))


def _dataset(report: ReportInput, explanation: Explanation, header: dict[str, str], series: str, instance: str):
    from highdicom import ContentQualificationValues
    from highdicom.pm import ParametricMap
    from pydicom.sr.codedict import codes
    from pydicom.uid import ExplicitVRLittleEndian

    place = place_of(report.scan)
    theirs = "" if place.placeholders else header.get("FrameOfReferenceUID")
    source = stand_in(report, header, _MR_IMAGE)
    source.FrameOfReferenceUID = theirs or identifier("frame of reference", report.scan.digest)
    source.ImageOrientationPatient = _decimals(place.directions)
    source.ImagePositionPatient = _decimals(place.corner)
    source.PixelSpacing = _decimals(place.spacing)
    source.SliceThickness = header.get("SliceThickness") or None
    dataset = ParametricMap(
        [source],
        explanation.heat,
        series_instance_uid=series,
        series_number=SERIES_NUMBERS["map"],
        sop_instance_uid=instance,
        instance_number=1 + next((k for k, each in enumerate(report.explanations) if each is explanation), 0),
        software_versions=explanation.weights,
        device_serial_number=explanation.weights,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping(report, explanation)],
        voi_lut_transformations=[_window(explanation)],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_label="CANDOR_MAP",
        content_description=f"Not for diagnosis: {METHODS[explanation.method].title} map"[:_LONGEST],
        content_qualification=ContentQualificationValues.RESEARCH,
        derivation=codes.DCM.VisualExplanation,
        **maker_and_dates(report, SERIES),
        coding_schemes=schemes(),
    )
    del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices  # of one slice: made up
    dataset.BodyPartExamined = "BRAIN"
    dataset.ImageComments = f"{caption_line(report, explanation)} {place.sentence}".strip()
    dataset.DerivationDescription = (
        f"Not for diagnosis. {METHODS[explanation.method].title} ({explanation.engine}, seed {explanation.seed}) of "
        f"class {explanation.target}, model {report.card.id}, weights sha256 {explanation.weights}; 1 is 1 "
        f"{explanation.unit}."
    )
    for keyword, value in lossy_compression(header).items():
        setattr(dataset, keyword, value)
    return dataset


def _mapping(report: ReportInput, explanation: Explanation):
    """Return what the stored values mean: themselves, in the map's unit, which no standard unit is."""
    from highdicom.pm import RealWorldValueMapping
    from highdicom.sr import CodeContentItem
    from pydicom.sr.codedict import codes

    mapping = RealWorldValueMapping(
        lut_label=explanation.method[:_LABEL],
        lut_explanation=f"{explanation.unit}, class {explanation.target}"[:_LONGEST],
        unit=codes.UCUM.NoUnits,
        value_range=(float(explanation.heat.min()), float(explanation.heat.max())),
        slope=1.0,
        intercept=0.0,
        quantity_definition=method_code(explanation.method),
    )
    mapping.QuantityDefinitionSequence.append(
        CodeContentItem(own("explained-class", "Explained class"), class_code(report.card, explanation.target))
    )
    return mapping


def _window(explanation: Explanation):
    """Return the window that shows all values, 0 in the middle where the map has signs."""
    from highdicom import VOILUTFunctionValues, VOILUTTransformation

    least, most = float(explanation.heat.min()), float(explanation.heat.max())
    if explanation.signed:
        most = max(abs(least), abs(most))
        least = -most
    width = most - least or 1.0
    # LINEAR_EXACT: the plain function is not defined for widths below 1 (PS3.3 C.11.2.1.2).
    return VOILUTTransformation(
        window_center=float((least + most) / 2),
        window_width=float(width),
        voi_lut_function=VOILUTFunctionValues.LINEAR_EXACT,
    )


def _decimals(numbers: tuple[float, ...]) -> list[float]:
    """Return numbers that fit the 16 characters of a decimal string."""
    from pydicom.valuerep import format_number_as_ds

    return [float(format_number_as_ds(float(number))) for number in numbers]


def _refer(dataset, report: ReportInput, header: dict[str, str]) -> None:
    """Let the map and its frame refer to the source, whose kind highdicom was not told."""
    from pydicom import Dataset
    from pydicom.sr.codedict import codes

    preserved = report.scan.frame >= 0  # a part of a mosaic lies elsewhere in its file
    refer(dataset, report, header, preserved=preserved)
    frame = dataset.PerFrameFunctionalGroupsSequence[0]
    if "DerivationImageSequence" in frame:
        del frame.DerivationImageSequence
    if has_source(header):
        derivation = Dataset()
        derivation.DerivationCodeSequence = [coded(codes.DCM.VisualExplanation)]
        derivation.SourceImageSequence = [source_item(report, header, preserved)]
        frame.DerivationImageSequence = [derivation]


def _set_dimensions(dataset, instance: str) -> None:
    """Replace the random identifier of the dimensions."""
    own_identifier = identifier("dimensions", instance)
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = own_identifier


def values(dataset) -> np.ndarray:
    """Return the values of a Parametric Map of one frame, float32 (H, W), in their unit."""
    stored = np.frombuffer(dataset.FloatPixelData, "<f4").reshape(dataset.Rows, dataset.Columns)
    mapping = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    return (stored * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept).astype(np.float32)
