"""Round trips with a real Orthanc: results and scans come back as they went in, and each failure is one sentence."""

import io
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from dicomweb import PacsError, transfer
from dicomweb.__main__ import main
from dicomweb.transfer import fetch_series, find_series, send
from explain.report.parametric_map import parametric_map, values
from explain.report.secondary_capture import secondary_capture
from explain.report.structured_report import structured_report
from scans import in_series, read
from tests.explain.report.conftest import report_of
from tests.good_files import dicom12, disc
from tests.orthanc import MISSING, PASSWORD, USER, WHY, orthanc

pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING, reason=WHY)]
STUDY, SERIES, ACCESSION = "1.2.826.0.1.3680043.10.91", "1.2.826.0.1.3680043.10.92", "ACC-91"
SLICES = 3


def scanner_file(slice_: int) -> bytes:
    """Return one slice of a series, each with a brightness of its own."""
    return dicom12(
        disc() * (0.5 + 0.25 * slice_),
        StudyInstanceUID=STUDY,
        SeriesInstanceUID=SERIES,
        SOPInstanceUID=generate_uid(entropy_srcs=["slice", str(slice_)]),
        FrameOfReferenceUID="1.2.826.0.1.3680043.10.93",
        AccessionNumber=ACCESSION,
        StudyDate="20260102",
        StudyTime="101112",
        SeriesNumber=4,
        SeriesDescription="T1C+ axial",
        InstanceNumber=slice_ + 1,
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[-30, -30, 5.0 * slice_],
        PixelSpacing=[0.9, 0.9],
    )


@pytest.fixture(scope="module")
def pacs(tmp_path_factory):
    """A PACS that holds one series of a scanner, as its modality would have sent it."""
    with orthanc(tmp_path_factory.mktemp("orthanc")) as (server, process), pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "_result", lambda data: dcmread(io.BytesIO(data)))  # Candor itself sends no scans
        assert send(server, [scanner_file(k) for k in range(SLICES)]) == SLICES
        patch.undo()
        yield server, process


def only_series(server):
    return next(each for each in find_series(server, accession=ACCESSION) if each.uid == SERIES)


def test_a_series_is_found_by_each_number_and_comes_back_with_its_pixels(pacs):
    server, _ = pacs
    for number in ({"accession": ACCESSION}, {"study": STUDY}, {"patient": "4711"}):
        series = next(each for each in find_series(server, **number) if each.uid == SERIES)
        assert (series.study, series.modality, series.number, series.images) == (STUDY, "MR", "4", SLICES)
    assert "Muster" not in repr(series) + series.title and STUDY not in repr(series) + series.title
    assert series.title == "T1C+ axial, series 4, 3 images, MR, 2026-01-02"
    shares = []
    (scans,) = in_series([read(data) for data in fetch_series(server, series, shares.append)])
    (sent,) = in_series([read(scanner_file(k)) for k in range(SLICES)])
    assert [scan.position for scan in scans] == [0.0, 5.0, 10.0] and shares == sorted(shares) and shares[-1] == 1.0
    assert all(np.array_equal(scan.pixels, other.pixels) for scan, other in zip(scans, sent, strict=True))


def test_results_are_taken_into_the_study_and_the_values_of_the_map_come_back(pacs):
    server, _ = pacs
    data = scanner_file(1)
    report = report_of(data, methods=("lime",))
    (lime,) = report.explanations
    made = [
        secondary_capture(report, lime, data, identity=True),
        parametric_map(report, lime, data, identity=True),
        structured_report(report, data, identity=True),
    ]
    assert send(server, made) == 3
    sent = [dcmread(io.BytesIO(each)) for each in made]
    found = {each.uid: each for each in find_series(server, study=STUDY)}
    assert {sent[0].SeriesInstanceUID, sent[1].SeriesInstanceUID, SERIES} <= set(found)
    assert sent[2].SeriesInstanceUID not in found  # a report is no picture
    (came,) = fetch_series(server, found[sent[1].SeriesInstanceUID])
    back = dcmread(io.BytesIO(came))
    assert np.array_equal(values(back), lime.heat) and back.PatientID == "4711"
    report_series = replace(found[SERIES], uid=str(sent[2].SeriesInstanceUID), images=1)
    (came,) = fetch_series(server, report_series)
    assert dcmread(io.BytesIO(came)).ContentSequence == sent[2].ContentSequence


def test_the_command_finds_fetches_and_sends(pacs, tmp_path, monkeypatch, capsys):
    server, _ = pacs
    monkeypatch.setenv("CANDOR_DICOMWEB", server.address)
    monkeypatch.setenv("CANDOR_DICOMWEB_USER", USER)
    monkeypatch.setenv("CANDOR_DICOMWEB_PASSWORD", PASSWORD)
    assert main(["find", "--accession", ACCESSION]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "T1C+ axial" in line)
    assert main(["fetch", "--study", STUDY, "--series", line.partition(":")[0], "--out", str(tmp_path)]) == 0
    files = sorted(tmp_path.glob("*.dcm"))
    assert len(files) == SLICES and all(read(path)[0].shape == (64, 64) for path in files)
    capsys.readouterr()
    assert main(["send", str(files[0])]) == 2  # a scan, not a result
    assert capsys.readouterr().err.count("\n") == 1
    report = report_of(scanner_file(0))
    (tmp_path / "result.dcm").write_bytes(structured_report(report, scanner_file(0)))
    assert main(["send", str(tmp_path / "result.dcm")]) == 0
    assert main(["fetch", "--study", STUDY, "--series", "99", "--out", str(tmp_path)]) == 2


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"password": "wrong"}, "401"),
        ({"user": "", "password": ""}, "401"),
        ({"address": "http://127.0.0.1:1/dicom-web"}, "reached"),
        ({"address": "no-dicomweb"}, "404"),
    ],
    ids=["password", "no login", "port", "path"],
)
def test_a_wrong_address_and_a_refused_login_are_one_sentence_each(pacs, change, word):
    server, _ = pacs
    if change.get("address") == "no-dicomweb":
        change = {"address": server.address.replace("dicom-web", "nothing")}
    for ask in (
        lambda wrong: find_series(wrong, accession=ACCESSION),
        lambda wrong: fetch_series(wrong, only_series(server)),
        lambda wrong: send(wrong, [structured_report(report_of(scanner_file(0)), scanner_file(0))]),
    ):
        with pytest.raises(PacsError) as error:
            ask(replace(server, **change))
        assert word in str(error.value) and PASSWORD not in str(error.value) and error.value.__cause__ is None


def test_a_series_that_is_too_large_is_refused_before_or_on_the_way(pacs, monkeypatch):
    server, _ = pacs
    series = only_series(server)
    one = len(fetch_series(server, series)[0])
    for name, value, images in (
        ("MAX_FILES", SLICES - 1, SLICES),  # what the PACS counts
        ("MAX_FILES", SLICES - 1, 0),  # what comes
        ("MAX_BYTES", one - 1, 0),
        ("MAX_TOGETHER", 2 * one - 2_000 * 512, 0),
    ):
        with monkeypatch.context() as patch, pytest.raises(PacsError) as error:
            patch.setattr(transfer, name, value)
            fetch_series(server, replace(series, images=images))
        assert "smaller series" in str(error.value) or "another series" in str(error.value)


def test_a_number_that_nobody_has_is_one_sentence(pacs):
    with pytest.raises(PacsError, match="no series"):
        find_series(pacs[0], accession="nobody has this")


def test_a_server_that_hangs_is_given_up_and_asked_again_later(pacs):
    server, process = pacs
    os.kill(process.pid, signal.SIGSTOP)
    try:
        for ask in (
            lambda: find_series(replace(server, read_seconds=0.5), accession=ACCESSION),
            lambda: send(
                replace(server, read_seconds=0.5), [structured_report(report_of(scanner_file(0)), scanner_file(0))]
            ),
        ):
            with pytest.raises(PacsError, match="in time"):
                ask()
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert only_series(server).images == SLICES
