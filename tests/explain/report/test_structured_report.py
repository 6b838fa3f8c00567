"""A prediction comes back from its Structured Report as it was: probabilities, set, gate, codes; and no finding."""

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest
from pydicom import dcmread

from explain import Request
from explain.report import ReportInput
from explain.report.dicom_codes import SCHEME, SNOMED_CLASSES, class_code, gate_code
from explain.report.structured_report import structured_report
from model_zoo import load_model, model_card, models
from model_zoo.gate import ASPECTS, UNKNOWN
from scans import read
from tests.explain.report.conftest import DATE, P, card, explained, report_of
from tests.explain.report.sources import (
    ENHANCED_MR,
    SOURCES,
    STUDY,
    errors_of,
    magnitude_and_phase,
    needs_validator,
    words_in,
)
from tests.good_files import dicom12, disc

pytestmark = pytest.mark.slow


def items(dataset, value_type: str = "") -> list:
    """Return the content items of a report in order, of one value type or all."""
    found = []
    for item in dataset.get("ContentSequence", []):
        found += [item] if item.ValueType == value_type or not value_type else []
        found += items(item, value_type)
    return found


def name_of(item) -> str:
    return item.ConceptNameCodeSequence[0].CodeMeaning


def code_of(item) -> tuple[str, str]:
    (code,) = item.ConceptCodeSequence
    return code.get("CodeValue") or code.LongCodeValue, code.CodingSchemeDesignator


def evaluations(dataset) -> dict[str, list[tuple[str, str]]]:
    """Return the codes of a report by the name that they stand under."""
    found: dict[str, list[tuple[str, str]]] = {}
    for item in items(dataset, "CODE"):
        found.setdefault(name_of(item), []).append(code_of(item))
    return found


def reported(data: bytes, identity: bool = False, **changes):
    report = report_of(data, **changes)
    made = structured_report(report, data, identity)
    return report, made, dcmread(io.BytesIO(made))


@pytest.fixture(scope="module")
def source() -> bytes:
    return dicom12(disc(), **STUDY)


@pytest.fixture(scope="module")
def made(source):
    """The report of `source`, its bytes as a Structured Report, and the same read again."""
    return reported(source, methods=("gradcam", "lime"))


def test_the_probabilities_of_all_classes_come_back_each_with_its_class(made):
    report, _, dataset = made
    numbers = items(dataset, "NUM")
    found = {code_of(item.ContentSequence[0])[0]: item.MeasuredValueSequence[0].NumericValue for item in numbers}
    assert found == {f"class.{label}": p for label, p in zip(report.card.classes, P, strict=True)}
    assert [float(item.MeasuredValueSequence[0].NumericValue) for item in numbers] == sorted(P, reverse=True)
    assert {name_of(item) for item in numbers} == {f"Probability of {name}" for name in report.card.names}
    units = {item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue for item in numbers}
    assert units == {"1"}


def test_it_says_what_predicted_what_and_that_it_is_no_finding(made):
    report, _, dataset = made
    found = evaluations(dataset)
    assert found["Predicted class"] == [("class.meningioma", SCHEME)]
    assert found["Intended use"] == [("not-for-diagnosis", SCHEME)] and "Finding" not in found
    assert found["Visual explanation"] == [("130403", "DCM"), ("map.lime", SCHEME)]
    texts = {name_of(item): item.TextValue for item in items(dataset, "TEXT")}
    assert texts["Algorithm Name"] == report.card.id
    assert texts["Algorithm Version"] == f"sha256 {report.card.weights_sha256}"
    assert dataset.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (dataset.PreliminaryFlag, dataset.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert "not for diagnosis" in dataset.SeriesDescription
    comments = [item.TextValue for item in items(dataset, "TEXT") if name_of(item) == "Comment"]
    assert any(text.startswith("Not for diagnosis") for text in comments)
    schemes = {
        item.CodingSchemeDesignator: item.CodingSchemeName for item in dataset.CodingSchemeIdentificationSequence
    }
    assert "private" in schemes[SCHEME]


def test_it_names_its_image_as_evidence(source, made):
    _, _, dataset = made
    original = dcmread(io.BytesIO(source))
    (study,) = dataset.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    (image,), (shown,) = series.ReferencedSOPSequence, items(dataset, "IMAGE")
    assert study.StudyInstanceUID == dataset.StudyInstanceUID == STUDY["StudyInstanceUID"]
    assert series.SeriesInstanceUID == STUDY["SeriesInstanceUID"] != dataset.SeriesInstanceUID
    assert image.ReferencedSOPInstanceUID == original.SOPInstanceUID
    assert shown.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == original.SOPInstanceUID


def test_the_frame_and_the_class_of_another_kind_of_source_are_its_own():
    data, index = SOURCES["frames"]()
    _, _, dataset = reported(data, index=index)
    (shown,) = items(dataset, "IMAGE")
    assert shown.ReferencedSOPSequence[0].ReferencedFrameNumber == 2
    (first,) = items(reported(magnitude_and_phase())[2], "IMAGE")
    assert first.ReferencedSOPSequence[0].ReferencedFrameNumber == 1
    (image,) = dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert image.ReferencedSOPClassUID == shown.ReferencedSOPSequence[0].ReferencedSOPClassUID == ENHANCED_MR
    assert any("slice 2 of 3" in item.TextValue for item in items(dataset, "TEXT"))


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("identity", [False, True])
def test_the_patient_is_in_it_only_on_request_and_never_made_up(name, identity):
    data, index = SOURCES[name]()
    _, made, dataset = reported(data, identity, index=index)
    theirs = identity and name not in ("png", "nifti")
    assert bool(dataset.PatientID) == bool(dataset.PatientName) == bool(words_in(made)) == theirs
    if name in ("png", "nifti", "without study"):
        assert not items(dataset, "IMAGE") and "CurrentRequestedProcedureEvidenceSequence" not in dataset
        assert dataset.StudyInstanceUID.startswith("2.25.")


def test_what_the_gate_saw_and_the_prediction_set_are_in_it(in_tiny_zoo, source):
    model = load_model("tiny-phantom4")
    thresholds = {
        str(level): {"glioma": 0, "meningioma": 10**6, "notumor": 0, "pituitary": 10**6} for level in (90, 95)
    }
    model = replace(model, card=replace(model.card, conformal=thresholds))
    (scan,) = read(source)
    request = Request(model, scan, "gradcam")
    p = tuple(map(float, request.prediction.probabilities))
    report = ReportInput(scan, model.card, p, (explained(scan, model.card),), DATE, request=request)
    found = evaluations(dcmread(io.BytesIO(structured_report(report, source))))
    level = request.prediction.set.level
    assert {code for code, _ in found[f"Class in the prediction set at {level} %"]} == {
        "class.meningioma",
        "class.pituitary",
    }
    assert found["Decision of the gate"] == [("gate.accepted", SCHEME)]
    assert found["The gate on the picture: plane"] == [("24422004", "SCT")]
    assert found["The gate on the picture: kind"] == [("gate.kind.head", SCHEME)]
    other = replace(request.prediction, gate=replace(request.prediction.gate, withheld="It is a knee."))
    withheld = replace(report, request=replace(request, prediction=other))
    found = evaluations(dcmread(io.BytesIO(structured_report(withheld, source))))
    assert found["Decision of the gate"] == [("gate.withheld", SCHEME)]


def test_an_empty_prediction_set_is_said_and_a_missing_one_is_not(in_tiny_zoo, source):
    model = load_model("tiny-phantom4")
    (scan,) = read(source)
    nothing = dict.fromkeys(model.card.classes, 0)
    for conformal, expected in (({}, []), ({"90": nothing, "95": nothing}, [[("set.none", SCHEME)]])):
        changed = replace(model, card=replace(model.card, conformal=conformal))
        request = Request(changed, scan, "gradcam")
        p = tuple(map(float, request.prediction.probabilities))
        report = ReportInput(scan, changed.card, p, (), DATE, request=request)
        found = evaluations(dcmread(io.BytesIO(structured_report(report, source))))
        sets = [codes for name, codes in found.items() if name.startswith("Class in the prediction set")]
        assert sets == expected


@pytest.mark.parametrize("model", models())
def test_a_class_has_the_code_of_snomed_only_where_it_means_the_same(model):
    shipped = model_card(model)
    for class_id, name in zip(shipped.classes, shipped.names, strict=True):
        code = class_code(shipped, class_id)
        if code.scheme_designator == "SCT":
            assert code.meaning == name and class_id in SNOMED_CLASSES
        else:
            assert (code.value, code.scheme_designator, code.meaning) == (f"class.{class_id}", SCHEME, name)
    stranger = replace(shipped, imported={"format": "ONNX"})
    assert all(class_code(stranger, class_id).scheme_designator == SCHEME for class_id in stranger.classes)


def test_the_codes_of_snomed_are_those_of_the_dictionary():
    found = {name: class_code(card(classes=(name,), names=(name.title(),)), name) for name in SNOMED_CLASSES}
    assert {name: code.value for name, code in found.items()} == {
        "astrocytoma": "254938000",
        "glioblastoma": "1163375002",
    }


@pytest.mark.parametrize("aspect", ASPECTS)
def test_all_that_the_gate_can_say_has_a_code(aspect):
    said = [*ASPECTS[aspect], *([UNKNOWN] if aspect in ("plane", "sequence") else [])]
    codes = [gate_code(aspect, each) for each in said]
    assert len({(code.value, code.scheme_designator) for code in codes}) == len(said)


def test_the_same_report_gives_the_same_bytes_and_any_other_another_identifier(source, made):
    report, first, dataset = made
    assert structured_report(report, source) == first
    others = [
        replace(report, date=report.date + timedelta(days=1)),
        replace(report, probabilities=(0.25, 0.25, 0.25, 0.25)),
        replace(report, explanations=report.explanations[:1]),
    ]
    found = [dcmread(io.BytesIO(structured_report(each, source))) for each in others]
    assert len({each.SOPInstanceUID for each in [dataset, *found]}) == 4


def test_names_as_long_as_they_may_be_and_in_any_letters_are_written(source):
    names = ("Глиома" * 20, "x" * 200, "Ø", "垂体瘤")
    _, made, dataset = reported(source, card=card(names=names, classes=("a" * 40, "b", "c", "d")), explanations=())
    assert len(items(dataset, "NUM")) == 4 and "垂体瘤" in made.decode("utf-8", "ignore")
    assert all(len(name_of(item)) <= 64 for item in items(dataset))


@needs_validator
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("identity", [False, True])
def test_a_validator_finds_no_error(tmp_path, name, identity):
    data, index = SOURCES[name]()
    assert errors_of(reported(data, identity, index=index, methods=("gradcam", "lime"))[1], tmp_path) == []


@pytest.mark.skipif(not shutil.which("dsrdump"), reason="needs dsrdump (Debian: apt install dcmtk)")
def test_another_reader_of_reports_understands_it(made, tmp_path):
    (tmp_path / "a.dcm").write_bytes(made[1])
    output = subprocess.run(["dsrdump", tmp_path / "a.dcm"], capture_output=True, text=True, check=True)
    assert "Probability of Meningioma" in output.stdout and "Error" not in output.stderr
