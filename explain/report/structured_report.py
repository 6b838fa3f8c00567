"""A prediction as a DICOM Structured Report (TID 1500): probabilities, prediction set and what the gate saw, in codes.

No value stands under the name of a finding: a probability of 2 % must not reach a list of findings. Each is named after
what it is, "Probability of Glioma", and the class is its modifier. The report is preliminary and unverified for good.
Source: DICOM PS3.16 TID 1500 (report), TID 1501 (group), TID 4019 (algorithm), PS3.3 A.35.2 (Enhanced SR).
"""

import io

import numpy as np

from explain.explanation import NOT_FOR_DIAGNOSIS
from explain.report.dicom_codes import class_code, gate_code, method_code, own, schemes
from explain.report.dicom_source import (
    SERIES_NUMBERS,
    frame_number,
    has_source,
    header_of,
    identifier,
    maker_and_dates,
    series_of,
    set_dates,
    stand_in,
)
from explain.report.report_input import ReportInput
from model_zoo.gate import ASPECTS
from scans.quiet import without_warnings

SERIES = "Candor prediction, not for diagnosis"
_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"  # what highdicom takes every source for
_DIGITS = 6  # of a probability, as in the manifests


def structured_report(report: ReportInput, data: bytes | None, identity: bool = False) -> bytes:
    """Return a DICOM Structured Report of the report's prediction.

    `data` are the bytes that the scan was read from; of DICOM the report keeps the study and refers to series, instance
    and frame. The patient is copied only on request (`identity`). The same input gives the same bytes and identifiers.
    Raises ScanError where the header cannot be read again, ValueError where `data` is another file.
    """
    from highdicom.sr import EnhancedSR
    from pydicom.uid import ExplicitVRLittleEndian

    header = header_of(report, data, identity)
    series = series_of(report, header, "report")
    instance = identifier("instance", series, _facts(report), _texts(report))
    with without_warnings():  # pydicom's, on values of the source that violate the standard
        dataset = EnhancedSR(
            evidence=[stand_in(report, header, _MR_IMAGE)],
            content=_content(report, header, instance)[0],
            series_instance_uid=series,
            series_number=SERIES_NUMBERS["report"],
            sop_instance_uid=instance,
            instance_number=1,
            software_versions=report.card.weights_sha256,
            is_complete=True,
            is_final=False,
            is_verified=False,
            **maker_and_dates(report, SERIES),
            coding_schemes=schemes(),
            transfer_syntax_uid=ExplicitVRLittleEndian,
        )
        set_dates(dataset, report)
        _set_evidence(dataset, header)
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _content(report: ReportInput, header: dict[str, str], instance: str):
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
        ObserverContext,
        RelationshipTypeValues,
        SourceImageForMeasurementGroup,
        TextContentItem,
        TrackingIdentifier,
    )
    from pydicom.sr.codedict import codes

    card = report.card
    images = None
    if has_source(header):
        number = frame_number(report, header)
        frames = [number] if number else None
        images = [SourceImageForMeasurementGroup(header["SOPClassUID"], header["SOPInstanceUID"], frames)]
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(identifier("prediction", instance), "Candor prediction"),
        finding_category=own("prediction", "Prediction of a model, not a finding"),
        algorithm_id=_algorithm(report),
        measurements=[_probability(report, k) for k in np.argsort(-np.array(report.probabilities), kind="stable")],
        qualitative_evaluations=_evaluations(report),
        source_images=images,
    )
    group[0].ContentSequence.extend(
        TextContentItem(codes.DCM.Comment, text, RelationshipTypeValues.CONTAINS) for text in _texts(report)
    )
    device = DeviceObserverIdentifyingAttributes(
        uid=identifier("device", card.id, card.weights_sha256),
        name="Candor",
        manufacturer_name="Candor",
        model_name=card.id,
        serial_number=card.weights_sha256,
    )
    return MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(codes.DCM.Device, observer_identifying_attributes=device)
        ),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )


def _algorithm(report: ReportInput):
    from highdicom.sr import AlgorithmIdentification
    from pydicom.sr.codedict import codes

    card = report.card
    parameters = [
        "Intended use: research and teaching; not for diagnosis",
        f"Classes: {', '.join(card.classes)}",
        f"Temperature: {card.temperature:g}",
        f"Calibration: {report.calibration or 'the model’s own'}",
    ]
    return AlgorithmIdentification(
        name=card.id,
        version=f"sha256 {card.weights_sha256}",
        parameters=parameters,
        family=codes.DCM.ArtificialIntelligence,
        manufacturer="Candor" if not card.imported else None,
    )


def _probability(report: ReportInput, k: int):
    """Return the calibrated probability of class `k`, with the class as its modifier."""
    from highdicom.sr import CodeContentItem, ContentSequence, Measurement, RelationshipTypeValues
    from pydicom.sr.codedict import codes

    class_id, name = report.card.classes[k], report.card.names[k]
    item = Measurement(
        name=own(f"probability.{class_id}", f"Probability of {name}"),
        value=round(float(report.probabilities[k]), _DIGITS),
        unit=codes.UCUM.NoUnits,
    )
    code, modifies = class_code(report.card, class_id), RelationshipTypeValues.HAS_CONCEPT_MOD
    item[0].ContentSequence = ContentSequence([CodeContentItem(codes.SCT.AssociatedFinding, code, modifies)])
    return item


def _evaluations(report: ReportInput) -> list:
    """Return what is no number: intended use, predicted class, prediction set, the gate, the maps that were made."""
    from highdicom.sr import QualitativeEvaluation
    from pydicom.sr.codedict import codes

    card = report.card
    pairs = [
        (own("intended-use", "Intended use"), own("not-for-diagnosis", "Not for diagnosis")),
        (own("predicted-class", "Predicted class"), class_code(card, card.classes[report.predicted])),
    ]
    if report.set and card.conformal:
        name = own(f"set.{report.set.level}", f"Class in the prediction set at {report.set.level} %")
        inside = [class_code(card, class_id) for class_id in report.set.classes]
        pairs += [(name, code) for code in inside or [own("set.none", "None of the classes fits")]]
    if report.request:
        gate = report.request.prediction.gate
        decision = ("withheld", "Withheld; predicted on request") if gate.withheld else ("accepted", "Accepted")
        pairs.append((own("gate", "Decision of the gate"), own(f"gate.{decision[0]}", decision[1])))
        pairs += [
            (own(f"gate.{aspect}", f"The gate on the picture: {aspect}"), gate_code(aspect, getattr(gate, aspect)))
            for aspect in ASPECTS
        ]
    pairs += [(codes.DCM.VisualExplanation, method_code(each.method)) for each in report.explanations]
    return [QualitativeEvaluation(name, value) for name, value in pairs]


def _texts(report: ReportInput) -> list[str]:
    """Return the sentences that must be read with the numbers, each once."""
    scan = report.scan
    texts = [NOT_FOR_DIAGNOSIS]
    if scan.count > 1:
        texts.append(f"This is the prediction for slice {scan.index + 1} of {scan.count} alone.")
    texts += [report.calibration, *(report.set.reasons if report.set else ()), *scan.all_notes]
    return list(dict.fromkeys(text for text in texts if text))


def _facts(report: ReportInput) -> list:
    """Return what the report says in codes and numbers, to tell it from another of the same scan and moment."""
    gate = report.request.prediction.gate.as_dict() if report.request else {}
    possible = [report.set.level, *report.set.classes] if report.set else []
    methods = [each.method for each in report.explanations]
    return [[round(p, _DIGITS) for p in report.probabilities], possible, gate, methods]


def _set_evidence(dataset, header: dict[str, str]) -> None:
    """Name the source with its own class, which highdicom was not told, or nothing where there is none to name."""
    if not has_source(header):
        del dataset.CurrentRequestedProcedureEvidenceSequence
        return
    for study in dataset.CurrentRequestedProcedureEvidenceSequence:
        for series in study.ReferencedSeriesSequence:
            for item in series.ReferencedSOPSequence:
                item.ReferencedSOPClassUID = header["SOPClassUID"]
