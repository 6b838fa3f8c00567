"""python -m explain report: a report per scan, an interrupted run that continues, and an index of all."""

import json
import re
import shutil

import pytest
from pydicom import dcmread

from explain.__main__ import main
from explain.report import cli, file_report, folder
from model_zoo import models
from model_zoo.gate import gate_folder
from tests.bad_files import BAD_FILES
from tests.good_files import dicom12, disc, nifti_gz, nifti_pair, png, volume
from tests.scans.test_archive import zipped

EMPTY = "This file is empty"  # from scans
ASK = ("--model", "tiny-phantom4", "--method", "gradcam", "--file-names")


@pytest.fixture
def report(in_tiny_zoo, tmp_path, capsys):
    """Run the command into `tmp_path/out`; return the exit status, stdout and stderr."""

    def run(*arguments):
        status = main(["report", *map(str, arguments), "--out", str(tmp_path / "out")])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def made(monkeypatch):
    """The names of the reports that were written, in their order."""
    names, write = [], folder.write

    def counted(*arguments):
        entry = write(*arguments)
        names.append(entry["name"])
        return entry

    monkeypatch.setattr(file_report, "write", counted)
    return names


def counts(printed: str) -> tuple[int, ...]:
    """The reports written, those already there and the files that could not be read, from the last line printed."""
    return tuple(map(int, re.findall(r"\b\d+\b", printed.splitlines()[-1])[:3]))


def lines(tmp_path) -> list[dict]:
    return [json.loads(line) for line in (tmp_path / "out" / "reports.jsonl").read_text().splitlines()]


def test_each_scan_gets_its_reports_a_line_and_a_place_in_the_index(report, tmp_path):
    (tmp_path / "scan <i>.png").write_bytes(png(disc()))
    status, printed, _ = report(tmp_path / "scan <i>.png", *ASK)
    (entry,) = lines(tmp_path)
    name = entry["name"]
    assert status == 0 and counts(printed) == (1, 0, 0)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{name}.html",
        f"{name}.pdf",
        "reports.jsonl",
        "index.html",
        "thumbnails",
    }
    assert name.startswith("scan <i>-") and sum(entry["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    page = (tmp_path / "out" / f"{name}.html").read_text()
    assert (
        entry["prediction"] in page
        and str(tmp_path) not in page
        and "scan <i>" not in page
        and "scan &lt;i" not in page
    )
    index = (tmp_path / "out" / "index.html").read_text()
    assert "scan &lt;i&gt;" in index and "<i>" not in index and f"scan%20%3Ci%3E-{entry['key'][:8]}.html" in index
    assert (tmp_path / "out" / entry["thumbnail"]).exists() and entry["prediction"] in index


def test_a_folder_is_searched_and_files_that_are_not_scans_are_named_and_counted(report, tmp_path):
    scans = tmp_path / "scans"
    for part, side in (("a", 64), ("b", 80)):
        (scans / part).mkdir(parents=True)
        (scans / part / "scan.png").write_bytes(png(disc(side)))
    for name in ("empty.png", "text.dcm"):
        (scans / "a" / name).write_bytes(BAD_FILES[name]())
    (scans / ".hidden").write_bytes(b"x")
    status, printed, _ = report(scans, *ASK)
    assert status == 1 and counts(printed) == (2, 0, 2) and EMPTY in printed
    assert len({entry["name"] for entry in lines(tmp_path)}) == 2
    index = (tmp_path / "out" / "index.html").read_text()
    assert "<h2>2 files" in index and EMPTY in index and str(tmp_path) not in index


@pytest.mark.slow
def test_nothing_is_done_twice_and_other_settings_are_other_reports(report, tmp_path, made):
    for name, side in (("a", 64), ("b", 80)):
        (tmp_path / f"{name}.png").write_bytes(png(disc(side)))
    scans = (tmp_path / "a.png", tmp_path / "b.png")
    assert report(*scans, *ASK, "--format", "html")[0] == 0 and len(made) == 2
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*-*.html")}
    _, printed, _ = report(*scans, *ASK, "--format", "html")
    assert len(made) == 2 and counts(printed) == (0, 2, 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    report(scans[0], *ASK, "--format", "html", "--seed", "5")
    assert len(made) == 3 and len(lines(tmp_path)) == 3
    next(iter(before)).unlink()
    report(*scans, *ASK, "--format", "html")
    assert len(made) == 4 and made[3] in made[:2]
    report(scans[0], *ASK, "--format", "dicom")  # another format of the same report joins the ones it has
    formats = [entry["formats"] for entry in lines(tmp_path)]
    assert len(formats) == 3 and sorted(formats, key=len)[-1] == ["html", "dicom"]


@pytest.mark.parametrize("quoted", ["explanations.json", "similar_cases.npz"])
def test_a_report_is_another_where_what_it_quotes_has_changed(tiny_zoo, tmp_path, monkeypatch, quoted):
    shutil.copytree(tiny_zoo, tmp_path / "zoo")
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setattr(folder, "collections_here", lambda card: False)  # which reads the index
    card, keys = models()["tiny-phantom4"], []
    for content in (None, b"{}", b"[]"):
        if content:
            (tmp_path / "zoo" / card.id / quoted).write_bytes(content)
        keys += [folder.key_of(card, "d" * 64, {}), folder.key_of(card, "d" * 64, {})]
    assert keys[::2] == keys[1::2] and len(set(keys)) == 3
    before = keys[-1]
    monkeypatch.setattr(folder, "collections_here", lambda card: True)
    assert folder.key_of(card, "d" * 64, {}) != before


@pytest.mark.parametrize("changes", [{"weights_sha256": "e" * 64}, {"gate": {"least_head": 0.75}}], ids=list)
def test_a_report_is_another_where_the_gate_has_changed(tiny_zoo, tmp_path, monkeypatch, changes):
    monkeypatch.setenv("CANDOR_ZOO", str(tiny_zoo))
    card = models()["tiny-phantom4"]
    before = folder.key_of(card, "d" * 64, {})
    stored = json.loads((gate_folder() / "card.json").read_text())
    stored |= {key: stored[key] | value if isinstance(value, dict) else value for key, value in changes.items()}
    (tmp_path / "card.json").write_text(json.dumps(stored))
    monkeypatch.setattr(folder, "gate_folder", lambda: tmp_path)
    assert folder.key_of(card, "d" * 64, {}) != before


def test_a_slice_that_was_missing_and_came_makes_the_reports_of_its_series_new(report, tmp_path):
    scans, place = tmp_path / "scans", {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    scans.mkdir()
    for number in (0, 1, 3, 2):
        pixels = disc() * (0.5 if number == 2 else 1)  # the others keep their grey range
        (scans / f"{number}.dcm").write_bytes(dicom12(pixels, ImagePositionPatient=[0, 0, 3 * number], **place))
        if number > 2:
            report(scans, *ASK, "--format", "html")
    assert counts(report(scans, *ASK, "--format", "html")[1]) == (4, 0, 0)
    assert sorted("missing" in " ".join(entry["cautions"]) for entry in lines(tmp_path)) == 4 * [False] + 3 * [True]
    assert counts(report(scans, *ASK, "--format", "html")[1]) == (0, 4, 0)


def test_a_run_that_was_killed_continues(report, tmp_path, monkeypatch, made):
    for name, side in (("a", 64), ("b", 72), ("c", 80)):
        (tmp_path / f"{name}.png").write_bytes(png(disc(side)))
    ask = (*(tmp_path / f"{name}.png" for name in "abc"), *ASK, "--format", "html")
    whole = folder.write_whole

    def killed(path, data):
        if path.name.startswith("b-"):
            raise KeyboardInterrupt
        whole(path, data)

    monkeypatch.setattr(folder, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        report(*ask)
    monkeypatch.setattr(folder, "write_whole", whole)
    assert [entry["stem"] for entry in lines(tmp_path)] == ["a"] and not list((tmp_path / "out").glob("b-*"))
    with (tmp_path / "out" / "reports.jsonl").open("a") as file:
        file.write('{"name": "b-123", "ste')  # a line cut short by a kill
    status, printed, _ = report(*ask)
    assert status == 0 and [name[0] for name in made] == ["a", "b", "c"] and counts(printed) == (2, 1, 0)
    assert [entry["stem"] for entry in lines(tmp_path)] == ["a", "b", "c"]


def test_the_middle_slice_of_a_volume_is_reported_unless_another_is_chosen(report, tmp_path):
    (tmp_path / "v.nii.gz").write_bytes(nifti_gz(volume()))
    report(tmp_path / "v.nii.gz", *ASK, "--format", "html")
    report(tmp_path / "v.nii.gz", *ASK, "--format", "html", "--slice", "7")
    assert {(entry["stem"], entry["slice"], entry["slices"]) for entry in lines(tmp_path)} == {
        ("v", 18, 36),
        ("v", 7, 36),
    }
    status, printed, _ = report(tmp_path / "v.nii.gz", *ASK, "--slice", "4000")
    assert status == 2 and "slices 0 to 35" in printed


@pytest.mark.parametrize("given", ["a.hdr", "a.img", ""])
def test_a_pair_of_header_and_voxels_is_one_scan_with_one_report_in_every_format(report, tmp_path, given):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, data in zip(("a.hdr", "a.img"), nifti_pair(volume()), strict=True):
        (folder / name).write_bytes(data)
    formats = [each for name in ("html", "dicom", "dicom-map", "dicom-sr") for each in ("--format", name)]
    status, _, err = report(folder / given, *ASK, *formats)
    assert (status, err) == (0, "")
    (line,) = lines(tmp_path)
    assert line["formats"] == formats[1::2]


def test_no_report_names_the_patient_unless_requested(report, tmp_path):
    (tmp_path / "a.dcm").write_bytes(dicom12(disc(), StudyInstanceUID="1.2.3"))
    report(tmp_path / "a.dcm", *ASK, "--format", "html", "--format", "dicom")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix == ".dcm"] == [f"{lines(tmp_path)[0]['name']}.gradcam.dcm"]
    assert [path.name for path in files if b"Muster" in path.read_bytes() or b"4711" in path.read_bytes()] == []
    report(tmp_path / "a.dcm", *ASK, "--format", "dicom", "--identity")
    named = [path for path in (tmp_path / "out").glob("*.dcm") if b"Muster^Erika" in path.read_bytes()]
    assert len(named) == 1 and len(list((tmp_path / "out").glob("*.dcm"))) == 2


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (("--model", "nope"), "tiny-phantom4"),
        (("--model", "tiny-phantom4", "--method", "gradcan"), "gradcam"),
        ((*ASK, "--target", "tumour"), "glioma, meningioma, notumor, pituitary"),
        ((*ASK, "--seconds", "0"), "more than 0 seconds"),
    ],
)
def test_what_does_not_exist_is_one_sentence_on_stderr(report, tmp_path, ask, words):
    (tmp_path / "a.png").write_bytes(png(disc()))
    status, _, error = report(tmp_path / "a.png", *ask)
    assert status == 2 and words in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_where_there_is_nothing_to_report_the_status_says_so(report, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, error = report(tmp_path / "empty", *ASK)
    assert status == 2 and error.count("\n") == 1
    status, printed, _ = report(tmp_path / "nowhere.png", *ASK)
    assert status == 2 and "nowhere.png" in printed and counts(printed) == (0, 0, 1)


def test_quick_methods_are_the_default():
    options = cli._report_parser().parse_args(["a.png", "--model", "m", "--out", "o"])
    assert options.method is None and cli.DEFAULT_METHODS == ("gradcam", "occlusion")


def test_a_line_of_the_format_before_is_left_out_and_its_report_made_again(report, tmp_path, made):
    (tmp_path / "a.png").write_bytes(png(disc(64)))
    ask = (tmp_path / "a.png", *ASK, "--format", "html")
    report(*ask)
    (entry,) = lines(tmp_path)
    entry["answer"], entry["doubts"] = entry.pop("prediction"), entry.pop("cautions")
    (tmp_path / "out" / "reports.jsonl").write_text(json.dumps(entry) + "\n")
    assert folder.entries(tmp_path / "out") == {}
    status, printed, _ = report(*ask)
    assert status == 0 and counts(printed) == (1, 0, 0) and len(made) == 2
    assert [set(line) >= {"prediction", "cautions"} for line in lines(tmp_path)] == [True]


@pytest.mark.slow
@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("packed", [lambda data: data, lambda data: zipped({"IM0": data})], ids=["file", "archive"])
def test_every_format_of_dicom_is_written_and_the_patient_only_on_request(report, tmp_path, identity, packed):
    (tmp_path / "a.dcm").write_bytes(packed(dicom12(disc(), StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")))
    kinds = [name for name in folder.FORMATS if name.startswith("dicom")]
    ask = [word for kind in kinds for word in ("--format", kind)] + ["--identity"] * identity
    assert report(tmp_path / "a.dcm", *ASK, *ask)[0] == 0
    (entry,) = lines(tmp_path)
    name = entry["name"]
    assert entry["files"] == [f"{name}.gradcam.dcm", f"{name}.gradcam.map.dcm", f"{name}.sr.dcm"]
    datasets = [dcmread(tmp_path / "out" / file) for file in entry["files"]]
    assert {each.StudyInstanceUID for each in datasets} == {"1.2.3"}
    assert [bool(each.PatientName) for each in datasets] == [identity] * 3
    assert len({each.SeriesInstanceUID for each in datasets} | {"1.2.3.4"}) == 4
    folders = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.suffix != ".dcm"]
    assert folders and not [path for path in folders if b"Muster" in path.read_bytes()]
