"""The page of a site's calibration: made in the background as the command makes it, used in the session, taken back."""

import io
import json
import zipfile
from dataclasses import asdict, replace
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from explain import Cancelled
from model_zoo import Model, load_model
from model_zoo.__main__ import main
from model_zoo.metrics import MILLION
from model_zoo.site_calibration import SiteCalibration, calibrated, promise, read_calibration
from pages.components import one_file
from pages.components.samples import SAMPLES
from pages.components.site import make
from pages.components.state import Region
from scans import phantom
from tests.conftest import CLASSES
from tests.good_files import nifti, png, volume
from tests.pages.conftest import PATIENT, SAMPLE, errors, labels, open_app, predicted_class, press, state_of

SITE, EXPLAIN, COMPARE = (f"pages/{name}.py" for name in ("site_calibration", "explain_scan", "compare_models"))
MODEL, WHERE = "tiny-phantom4", "St Mary's"
SENTENCE = "Calibrated to St Mary's on 60 scans."
NAMED = "No tumour"  # a folder may have the name that the page shows
FILES = {
    f"site/{NAMED if label == 'notumor' else label}/{number}.png": png(phantom(label, 910_000 + number, 64).scan.pixels)
    for label in CLASSES[:3]
    for number in range(8)
}
PICTURE = next(iter(FILES.values()))


@pytest.fixture
def model(in_tiny_zoo) -> Model:
    return load_model(MODEL)


@pytest.fixture
def calibration(model) -> SiteCalibration:
    """One that sharpens every probability, and rules out only what is less probable than one in a million."""
    thresholds = {level: dict.fromkeys(CLASSES, MILLION - 1) for level in ("90", "95")}
    counts = dict(zip(CLASSES, (30, 20, 10, 0), strict=True))
    coverage = {"90": 0.9, "95": 0.95}
    return SiteCalibration(MODEL, model.card.weights_sha256, WHERE, 0.2, thresholds, counts, 0.75, coverage)


@pytest.fixture
def page(in_tiny_zoo, queue) -> AppTest:
    """The page with nothing chosen; the tiny zoo stands in for the repository's."""
    return open_page(open_app(queue, scan=SAMPLE).run(), SITE)


@pytest.fixture
def buttons(monkeypatch) -> dict:
    """What stands behind each download button of the last run, by its label."""
    import streamlit as st

    from pages.components.explain import export

    buttons = {}
    for place in (st, export):
        monkeypatch.setattr(place, "download_button", lambda label, data, *_, **__: buttons.update({label: data}))
    return buttons


def open_page(app: AppTest, page: str) -> AppTest:
    app.switch_page(page).run()
    assert not app.exception
    return app


def archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return stream.getvalue()


def as_bytes(calibration: SiteCalibration, **changes) -> bytes:
    return json.dumps(asdict(calibration) | changes).encode()


def calibrate(app: AppTest, data: bytes, site: str = WHERE) -> AppTest:
    """Fill in the form, and send it."""
    app.file_uploader[0].set_value(("labelled.zip", data, "application/zip"))
    app.text_input[0].set_value(site)
    press(app, "Calibrate")
    assert not app.exception
    return app


def load(app: AppTest, data: bytes) -> AppTest:
    """Hand the page a calibration."""
    app.file_uploader[1].set_value(("site.json", data, "application/json")).run()
    assert not app.exception
    return app


def written(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.subheader, app.success)
    return " ".join(element.value for kind in kinds for element in kind)


def test_the_page_makes_the_file_that_the_command_writes_and_shows_what_it_promises(page, buttons, tmp_path, model):
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    out = tmp_path / "made.json"
    assert main(["calibrate", MODEL, "--data", str(tmp_path / "site"), "--site", WHERE, "--out", str(out)]) == 0
    calibrate(page, archive(dict(reversed(FILES.items()))))
    assert errors(page) == [] and buttons["Download (JSON)"].encode() == out.read_bytes()
    made, shown = read_calibration(out), {metric.label: metric.value for metric in page.metric}
    assert shown["Temperature"] == f"{made.temperature:.2f}" and shown["Accuracy"] == f"{100 * made.accuracy:.1f} %"
    assert shown["Left-out coverage, 90 % sets"] == f"{100 * made.coverage['90']:.1f} %"
    assert f"the model’s own: {model.card.temperature:.2f}" in written(page) and "24 scans" in written(page)
    table = page.table[0].value
    assert list(table["Class"]) == list(model.card.names) and list(table["Scans"]) == ["8", "8", "8", "0"]
    assert list(table["90 % sets"]) == [promise(made, label, "90") for label in CLASSES]
    assert state_of(page).calibrations == {}  # used only once that is asked for
    press(page, "Use in this session")
    assert state_of(page).calibrations == {MODEL: made} and "Calibrated to St Mary's on 24 scans." in written(page)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"no archive", "This file is no ZIP archive"),
        (archive(FILES)[:-40], "damaged or cut short"),
        (archive({"scan.png": PICTURE}), "The file scan.png lies in no folder of the archive"),
        (archive({**FILES, "site/astrocytoma/1.png": PICTURE}), "the folder 'astrocytoma', which is no class of"),
        (archive({"glioma/[a](b).txt": b"x" * 99}), "The file a·(b).txt in glioma: "),
        (archive({"glioma/volume.nii": nifti(volume())}), "it holds 36 slices, and a label is for one"),
        (archive(dict(list(FILES.items())[:3])), "3 labelled scans of 1 class are too few to calibrate"),
    ],
    ids=["no archive", "damaged", "no folder", "unknown class", "no scan", "volume", "too few"],
)
def test_a_bad_archive_is_one_sentence_that_says_what_to_do(page, data, sentence):
    calibrate(page, data)
    (shown,) = errors(page)
    assert sentence in shown and shown.endswith(".") and shown[0] == shown[0].upper()
    assert errors(page.run()) == [shown] and not page.metric  # it stays until another archive comes


def test_the_form_says_what_is_missing(page):
    press(page, "Calibrate")
    assert errors(page) == ["Upload a ZIP archive of labelled scans first."]
    calibrate(page, archive(FILES), site=" ")
    assert errors(page) == ["Give the site a name."]


def test_a_running_calibration_shows_its_progress_and_can_be_cancelled(page, monkeypatch):
    stopped, go = Event(), Event()

    def slow(model, scans, labels, site, progress):
        try:
            while not go.wait(0.01):
                progress(0.5)
        except Cancelled:
            stopped.set()
            raise

    monkeypatch.setattr(make, "calibrate", slow)
    state_of(page).at_once = 1.5
    calibrate(page, archive(FILES))
    (bar,) = page.get("progress")
    assert bar.proto.value in (60, 80) and "Predicting" in bar.proto.text
    press(page, "Cancel")
    assert stopped.wait(10) and "Cancelled." in written(page)
    go.set()
    monkeypatch.undo()


def test_the_result_and_the_name_of_the_site_are_still_there_after_another_page(page):
    calibrate(page, archive(FILES))
    first = [metric.value for metric in page.metric]
    open_page(open_page(page, EXPLAIN), SITE)
    assert [metric.value for metric in page.metric] == first and page.text_input[0].value == WHERE


def test_a_calibration_holds_on_every_page_until_it_is_removed(page, model, calibration):
    session, scan = state_of(page), phantom(*SAMPLES[SAMPLE]).scan
    session.regions[scan.key] = Region(90, 90, 40, 40)
    own, site = model.classify([scan])[0], calibrated(model, calibration).classify([scan])[0]
    assert abs(site.max() - own.max()) > 0.01  # they can be told apart
    open_page(page, EXPLAIN)
    before, heading = written(page), predicted_class(page)
    load(open_page(page, SITE), as_bytes(calibration))
    assert SENTENCE in written(page) and errors(page) == []
    open_page(page, EXPLAIN)
    everything = predicted_class(page)
    assert SENTENCE in written(page) and all(name.lower() in everything.lower() for name in model.card.names)
    assert "is all that cannot be ruled out" in written(page)
    both = {key: p.max() for key, p in session.probabilities.items()}
    assert sorted(both.values()) == pytest.approx(sorted([own.max(), site.max()]), abs=1e-6) and len(both) == 2
    assert len(set(session.counterfactuals.values())) == 2  # of the region, by each
    open_page(page, COMPARE)
    assert f"{MODEL}: calibrated to St Mary's on 60 scans." in written(page)
    press(open_page(page, SITE), "Back to the model’s own calibration")
    assert session.calibrations == {} and "uses its own calibration" in written(page)
    open_page(page, EXPLAIN)
    assert written(page) == before and predicted_class(page) == heading


def test_exports_say_which_site_a_prediction_is_calibrated_to(page, buttons, calibration):
    load(page, as_bytes(calibration))
    open_page(page, EXPLAIN)
    assert SENTENCE.replace("'", "&#39;") in buttons["Report (HTML)"]().decode()
    with zipfile.ZipFile(io.BytesIO(buttons["Map and manifest (ZIP)"]())) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
    assert manifest["calibration"] == SENTENCE
    assert manifest["probability"] == max(manifest["probabilities"])
    press(open_page(page, SITE), "Back to")
    open_page(page, EXPLAIN)
    assert "Calibrated to" not in buttons["Report (HTML)"]().decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "cnn3-kaggle4"}, "is for cnn3-kaggle4, not for tiny-phantom4; use it with that model."),
        ({"weights_sha256": "0" * 64}, "is for tiny-phantom4 with other weights; calibrate it again"),
        ({"temperature": float("nan")}, "This file cannot be read as a calibration"),
        ({"temperature": "hot"}, "cannot be read"),
        ({"conformal": {"90": {}}}, "cannot be read"),
        ({"scans": {"glioma": -5}}, "cannot be read"),
        ({"coverage": [[]]}, "cannot be read"),
        ({"more": "<script>"}, "cannot be read"),
    ],
    ids=str,
)
def test_a_calibration_that_does_not_fit_is_one_sentence_and_is_not_used(page, calibration, changes, sentence):
    load(page, as_bytes(calibration, **changes))
    (shown,) = errors(page)
    assert sentence in shown and "script" not in shown
    assert state_of(page).calibrations == {} and labels(page) == ["Calibrate"] and not page.metric


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"null", b'{"model": 1}'])
def test_a_damaged_file_is_no_calibration(page, data):
    load(page, data)
    assert len(errors(page)) == 1 and "cannot be read as a calibration" in errors(page)[0]


def test_the_name_of_a_site_is_never_markup(page, calibration):
    load(page, as_bytes(replace(calibration, site="[Here](http://x) **<b>3 T</b>**")))
    for each in (SITE, EXPLAIN):
        open_page(page, each)
        assert "Calibrated to Here·(http:--x) ·b·3 T·-b on 60 scans." in written(page)


def test_a_session_s_calibration_is_no_other_s(page, queue, calibration):
    load(page, as_bytes(calibration))
    other = open_app(queue, at_once=PATIENT, scan=SAMPLE).run()
    assert SENTENCE not in written(other) and predicted_class(other)


def test_an_archive_leaves_memory_with_the_page_where_it_was_uploaded(page, monkeypatch):
    """The field is a new one after a look at another page, and Streamlit would keep the file until the session ends."""
    dropped = set()
    monkeypatch.setattr(one_file, "drop_copies", dropped.update)
    calibrate(page, archive(FILES))
    (sent,) = state_of(page).single_files.values()
    assert not dropped
    open_page(open_page(page, EXPLAIN), SITE)
    assert dropped == {sent} and not state_of(page).single_files
