"""Uploads are read in the background: what is there can be looked at, and the prediction waits for the series."""

import io
import zipfile
from threading import Event

import cv2
import numpy as np
import pytest

from explain.queue import Queue
from pages.components import reading, uploads
from pages.components.state import Upload
from scans import SHEET, ScanError, phantom, read
from scans.scan import TEXT
from tests.good_files import dicom, dicom12, dicom_frames, eight_bit, nifti, nifti_pair, png, volume
from tests.pages.conftest import (
    SAMPLE,
    change_view,
    errors,
    open_app,
    open_in_rail,
    predicted_class,
    press,
    rest,
    state_of,
    upload,
    viewers,
)
from tests.scans.test_dicom_mosaic import mosaic
from tests.scans.test_dicom_stacks import frame

HEAD = phantom("glioma", 1).scan.pixels
PLACE = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


@pytest.fixture(autouse=True)
def tiny(in_tiny_zoo):
    """The tiny zoo: these tests are about files."""


def series(count: int, **attributes: object) -> list[tuple[str, bytes]]:
    facts = PLACE | attributes
    return [
        (f"{k}.dcm", dicom12(HEAD * (0.5 + k / 40), ImagePositionPatient=[0, 0, 5 * k], **facts)) for k in range(count)
    ]


def widget(app, kind: str, label: str):
    return next((each for each in getattr(app, kind) if each.label == label), None)


@pytest.fixture
def gate(monkeypatch):
    """Files are read one after another, up to `gate.free`, then only when the test lets them."""

    class Gate:
        free, read, go = 0, 0, Event()

    real = reading.read

    def slowly(data, **choices):
        if Gate.read >= Gate.free:
            Gate.go.wait(30)
        Gate.read += 1
        return real(data, **choices)

    Gate.go.clear()
    monkeypatch.setattr(reading, "read", slowly)
    yield Gate
    Gate.go.set()


def test_the_first_slices_are_shown_while_the_rest_is_read_and_the_prediction_follows(gate):
    gate.free, queue = 3, Queue()
    app = open_app(queue, at_once=1.0)
    upload(app.run(), *series(8))
    (progress,) = app.get("progress")
    assert progress.proto.text.startswith("Reading: ") and progress.proto.text.endswith(" of 8 files")
    assert widget(app, "slider", "Slice").max <= 4 and not predicted_class(app)
    assert any("The prediction follows" in each.value for each in app.caption)
    gate.go.set()
    rest(queue)
    app.session_state["state"].at_once = 55
    app.run()
    assert not app.get("progress") and widget(app, "slider", "Slice").max == 8 and predicted_class(app)
    assert widget(app, "slider", "Slice").value == 5 and state_of(app).scan.startswith("Series of 8 slices")


@pytest.mark.parametrize(("chosen", "place"), [(None, 7), (1, 1)])
def test_the_slice_of_a_link_waits_for_the_series_and_one_that_was_chosen_meanwhile_stays(gate, chosen, place):
    gate.free, queue = 3, Queue()
    app = open_app(queue, at_once=1.0)
    app.query_params["slice"] = "7"
    upload(app.run(), *series(8))
    if chosen:
        widget(app, "slider", "Slice").set_value(chosen).run()
    assert widget(app, "slider", "Slice").max <= 4 and app.query_params["slice"] in ("7", ["7"])
    gate.go.set()
    rest(queue)
    app.session_state["state"].at_once = 55
    app.run()
    assert widget(app, "slider", "Slice").max == 8 and widget(app, "slider", "Slice").value == place
    assert app.query_params["slice"] in (str(place), [str(place)])


@pytest.mark.parametrize("opened", ["", SAMPLE])
def test_the_last_of_several_files_is_open_once_all_are_read_unless_another_was_opened_meanwhile(gate, opened):
    gate.free, queue = 2, Queue()
    app = open_app(queue, at_once=1.0)
    upload(app.run(), *((f"{k}.png", png(HEAD * (0.5 + k / 20))) for k in range(6)))
    session = state_of(app)
    for _ in range(20):
        if session.scan is None:
            app.run()
    assert session.scan in [f"{k}.png" for k in range(5)] and len(session.entries) == 2
    if opened:
        open_in_rail(app, opened)
    gate.go.set()
    rest(queue)
    session.at_once = 55
    app.run().run()
    assert session.scan == (opened or "5.png") and len(session.entries) == 6


def test_the_open_scan_stays_while_a_new_file_is_read_and_where_that_is_no_scan(gate):
    gate.free, queue = 2, Queue()
    app = open_app(queue)
    upload(app.run(), ("a.png", png(HEAD)), ("b.png", png(HEAD * 0.9)))
    open_in_rail(app, "a.png")  # not the latest
    session = state_of(app)
    session.at_once = 0.3
    upload(empty_field(app), ("c.png", png(HEAD * 0.8)))
    assert session.scan == "a.png" and app.get("progress")
    gate.go.set()
    rest(queue)
    app.run()
    assert session.scan == "c.png" and list(session.entries) == ["c.png", "b.png", "a.png"]
    open_in_rail(app, "b.png")
    session.at_once = 55
    upload(empty_field(app), ("d.png", b"no picture"))
    assert session.scan == "b.png" and len(session.refused) == 1


def empty_field(app):
    """The field of a page is new, and empty, after a look at another page; what came before is kept."""
    app.switch_page("pages/about.py").run()
    return app.switch_page("pages/explain_scan.py").run()


def test_what_is_read_during_a_run_of_the_page_is_listed_in_the_next(queue, monkeypatch):
    """A thread that ends between two looks at the list must not change the names in between."""
    app = open_app(queue)
    upload(app.run(), *series(3))
    session, real = state_of(app), uploads.in_series
    late = dicom12(HEAD, ImagePositionPatient=[0, 0, 99], **PLACE)

    def one_more(files):
        found = real(files)
        if "9.dcm" not in session.uploads:
            scan = read(late)[0]
            session.uploads["9.dcm"] = Upload("9/", "9", "9.dcm", late, scan.digest, scan=scan, read=True)
        return found

    monkeypatch.setattr(uploads, "in_series", one_more)
    session.entries = None
    app.run()
    assert not app.exception and session.scan == "Series of 3 slices (0.dcm)" and predicted_class(app)
    app.run()
    assert not app.exception and session.scan == "Series of 4 slices (0.dcm)" and predicted_class(app)


def test_uploads_are_read_on_while_another_page_is_open(gate):
    queue = Queue()
    app = open_app(queue, at_once=0.1)
    upload(app.run(), *series(4))
    app.switch_page("pages/about.py").run()
    assert not queue.idle
    gate.go.set()
    rest(queue)
    assert all(each.read for each in state_of(app).uploads.values())


def test_what_is_removed_while_it_is_read_leaves_nothing_behind(gate):
    queue = Queue()
    app = open_app(queue, at_once=0.1)
    upload(app.run(), *series(4))
    press(app, "Remove all 4 files")
    gate.go.set()
    rest(queue)
    app.run()
    session = state_of(app)
    assert session.uploads == {} and session.batches == {} and session.refused == {} and not app.get("progress")


def test_a_reader_that_fails_is_one_sentence_for_each_of_its_files(monkeypatch, queue):
    def broken(data, **choices):
        raise RuntimeError("Muster^Erika")

    monkeypatch.setattr(reading, "read", broken)
    app = open_app(queue)
    upload(app.run(), *series(2))
    assert len(errors(app)) == 2 and "Muster" not in str(errors(app)) and state_of(app).uploads == {}


def test_the_files_of_an_archive_are_uploads_like_any_other(queue):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, data in [*series(4), ("../notes.txt", b"hello")]:
            packed.writestr(f"study/{name}", data)
    app = open_app(queue)
    upload(app.run(), ("study.zip", stream.getvalue()))
    assert state_of(app).scan == "Series of 4 slices (0.dcm)" and predicted_class(app)
    assert len(errors(app)) == 1 and "holds text" in errors(app)[0]
    app.file_uploader[0].set_value([]).run()
    assert state_of(app).uploads == {} and state_of(app).refused == {}


def test_the_two_files_of_a_pair_are_one_volume(queue):
    header, voxels = nifti_pair(volume())
    app = open_app(queue)
    upload(app.run(), ("head.img", voxels), ("head.hdr", header))
    assert list(state_of(app).uploads) == ["head.hdr"] and widget(app, "slider", "Slice").max == 36 and not errors(app)
    app.file_uploader[0].set_value([]).run()
    upload(app, ("head.hdr", header))
    assert "without its voxels" in errors(app)[0]
    upload(app, ("head.hdr", header), ("head.img", voxels[:5000]))
    assert "do not belong together" in errors(app)[-1] and not app.exception


def test_a_volume_of_several_is_chosen(queue):
    app = open_app(queue)
    upload(app.run(), ("a.nii", nifti(np.stack([volume(), volume() * 0.5, volume() ** 2], axis=-1))))
    stack = widget(app, "selectbox", "Stack")
    assert stack.options == ["volume 1 of 3", "volume 2 of 3", "volume 3 of 3"] and not app.exception
    stack.select("volume 3 of 3").run()
    assert any("this is volume 3 of 3" in each.value for each in app.info)


def test_a_stack_is_chosen_and_stays_chosen_on_other_pages(queue):
    groups = [frame(z) for z in (0, 5, 10)] + [frame(z, "FIELD_MAP", "REAL") for z in (0, 5)]
    frames = np.stack([HEAD * level for level in (1, 0.9, 0.8, 0.5, 0.4)])
    app = open_app(queue)
    upload(app.run(), ("a.dcm", dicom_frames(frames, PerFrameFunctionalGroupsSequence=groups)))
    assert widget(app, "selectbox", "Stack").options == ["magnitude", "field map"]
    assert widget(app, "slider", "Slice").max == 3 and predicted_class(app)
    assert not errors(app)
    widget(app, "selectbox", "Stack").select("field map").run()
    assert widget(app, "slider", "Slice").max == 2
    assert not predicted_class(app) and "This is a field map; the models know magnitude" in errors(app)[0]
    app.switch_page("pages/compare_models.py").run()
    assert widget(app, "selectbox", "Stack").value == "field map" and not app.exception


def test_a_file_of_two_stacks_of_one_frame_offers_both(queue):
    groups = [frame(0), frame(0, "P", "PHASE")]
    app = open_app(queue)
    data = dicom_frames(np.stack([HEAD, HEAD * 0.5]), PerFrameFunctionalGroupsSequence=groups)
    upload(app.run(), ("a.dcm", data))
    assert widget(app, "selectbox", "Stack").options == ["magnitude", "phase"] and predicted_class(app)


def test_a_mosaic_is_a_volume(queue):
    app = open_app(queue)
    upload(app.run(), ("a.dcm", mosaic(9, 3)))
    assert widget(app, "slider", "Slice").max == 9 and any("is a mosaic" in each.value for each in app.info)


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": 2000, "WindowWidth": 20_000},
        {"WindowCenter": 5000, "WindowWidth": 6000},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2000, "WindowWidth": 20_000},
    ],
    ids=["wider than the values", "beyond the values", "white is zero", "both"],
)
def test_the_window_of_any_file_can_be_set(queue, attributes):
    app = open_app(queue)
    upload(app.run(), ("a.dcm", dicom12(HEAD, **attributes)))
    assert predicted_class(app)
    scan = viewers(app)["viewer"]["pictures"][0]["scan"]
    (own,) = (each for each in scan["presets"] if each["own"])
    assert all(each["width"] > 0 for each in scan["presets"])
    assert own["width"] == pytest.approx(attributes.get("WindowWidth", own["width"]), rel=1e-3)
    window = [own["level"], round(0.9 * own["width"])]
    change_view(app, window=[scan["window_key"], *window])
    assert not app.exception and viewers(app)["viewer"]["windows"] == {scan["window_key"]: window}


def test_slices_of_a_series_of_different_brightness_have_windows_that_can_be_set(queue):
    files = [
        (f"{k}.dcm", dicom12(HEAD * level, ImagePositionPatient=[0, 0, k], **PLACE))
        for k, level in enumerate((0.05, 0.1, 1.0))
    ]
    app = open_app(queue)
    upload(app.run(), *files)
    for place in (1, 2, 3):
        widget(app, "slider", "Slice").set_value(place).run()
        scan = viewers(app)["viewer"]["pictures"][0]["scan"]
        assert not app.exception and next(each["width"] for each in scan["presets"] if each["own"]) > 3000


def test_nothing_is_predicted_from_a_montage_and_the_page_says_so(queue):
    sheet = np.tile(phantom("glioma", 1, 128).scan.pixels, (2, 3))
    app = open_app(queue)
    upload(app.run(), ("montage.png", png(sheet)))
    assert not predicted_class(app) and errors(app) == [SHEET]
    app.switch_page("pages/compare_models.py").run()
    assert errors(app) == [SHEET] and not app.exception


def test_text_in_a_picture_is_told_above_the_prediction(queue):
    picture = eight_bit(np.pad(HEAD, 40))
    for place, words in ((20, "MUSTER ERIKA 12.08.1964"), (320, "SE 4 IM 12 W 800 L 400")):
        cv2.putText(picture, words, (8, place), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    app = open_app(queue)
    upload(app.run(), ("a.png", png(picture / 255)))
    assert predicted_class(app) and TEXT in [each.value for each in app.info]


def test_a_picture_and_a_volume_keep_their_places_in_the_list(queue):
    app = open_app(queue)
    upload(app.run(), ("a.png", png(HEAD)), *series(2), ("b.nii", nifti(volume())))
    assert list(state_of(app).entries) == ["b.nii", "Series of 2 slices (0.dcm)", "a.png"]


def test_a_scan_of_one_value_in_a_series_is_told_and_its_neighbours_are_predicted(queue):
    blank = ("9.dcm", dicom(np.full((96, 96), 7, np.uint16), ImagePositionPatient=[0, 0, 90], **PLACE))
    app = open_app(queue)
    files = [
        (n, dicom12(phantom("glioma", 1, 96).scan.pixels, ImagePositionPatient=[0, 0, z], **PLACE))
        for n, z in (("0.dcm", 0), ("1.dcm", 45))
    ]
    upload(app.run(), *files, blank)
    assert widget(app, "slider", "Slice").max == 3 and predicted_class(app)
    widget(app, "slider", "Slice").set_value(3).run()
    assert errors(app) and "blank" in errors(app)[0]


def test_the_reader_s_own_refusals_are_kept(queue):
    with pytest.raises(ScanError):
        reading.read(b"no scan")
