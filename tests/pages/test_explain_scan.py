"""The Explain page, step by step: files good and bad, the prediction, the map and its controls."""

import json

import numpy as np
import pytest

from explain.captions import cautions
from explain.queue import Queue
from model_zoo import models
from scans import BLANK_SLICE, phantom
from tests.bad_files import BAD_FILES, ODD_FILES
from tests.good_files import dicom12, nifti, png
from tests.pages.conftest import (
    SAMPLE,
    change_view,
    errors,
    kinds,
    open_app,
    open_in_rail,
    predicted_class,
    press,
    rail,
    rest,
    state_of,
    upload,
    viewers,
)

MODEL = next(iter(models()), "none")
TINY = "tiny-phantom4"
KINDS = ("slider", "selectbox", "segmented_control")
GOOD = png(phantom("meningioma", 900_002).scan.pixels[20:, 30:220])
FEW_FILES = ("empty.png", "cut-short.jpg", "cut-short.dcm", "nan-affine.nii", "black.png")  # in the fast loop
HOSTILE_NAMES = {
    "folders": "../../../../etc/passwd.png",
    "Windows folders": "..\\..\\boot.png",
    "Markdown": "![x](http://evil.example/p.png) **bold** `code` $x$ :smile:.png",
    "HTML": "<img src=x onerror=alert(1)><script>alert(1)</script>.png",
    "300 characters": "a" * 300 + ".png",
    "nothing but dots": "...",
}


@pytest.fixture
def tiny_app(in_tiny_zoo, app):
    """The app with the tiny model, for tests of everything but the model."""
    return app


@pytest.fixture(scope="module")
def session(tiny_zoo):
    """The app with the tiny model in one session for many files, each uploaded in the place of the one before."""
    queue = Queue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(tiny_zoo))
        app = open_app(queue).run()
    yield app
    rest(queue)


def volume() -> np.ndarray:
    """Int16 (x, y, z) of a head, 8 slices, the outermost blank."""
    head = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    return np.stack([head * height for height in (0, 0.9, 1, 1, 1, 1, 0.9, 0)], -1) * 1000


def bars(app) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]


def slider(app, label: str):
    return next(slider for slider in app.slider if slider.label == label)


def test_a_sample_gets_a_prediction_and_stays_visible_beside_its_map(app):
    app.run()
    press(app, SAMPLE)
    card = models()[MODEL]
    assert app.selectbox(key="model").value == MODEL and predicted_class(app) in card.names
    assert sorted(bars(app)["y"]) == sorted(card.names)
    assert sum(bars(app)["x"]) == pytest.approx(1, abs=1e-4) and bars(app)["y"][-1] == predicted_class(app)
    assert kinds(app) == ["scan", "map"]


def test_the_class_to_explain_changes_the_map_and_not_the_prediction(in_tiny_zoo, empty_cache, queue):
    app = open_app(queue, scan=SAMPLE).run()
    first, card = predicted_class(app), models()[TINY]
    for class_id, name in zip(card.classes, card.names, strict=True):
        app.selectbox(key=f"class-{TINY}").select(class_id).run()
        assert predicted_class(app) == first and state_of(app).targets[TINY] == class_id
        chart = bars(app)
        accented = [y for y, colour in zip(chart["y"], chart["marker"]["color"], strict=True) if colour.startswith("#")]
        assert accented == [name]
        explanation = list(empty_cache._kept.values())[-1]
        assert explanation.target == class_id
        told = viewers(app)["viewer"]["pictures"][1]["warnings"]
        assert told[name != first :] == cautions(explanation, name) and not app.warning
        if explanation.heat.any():
            assert any(name in caption.value for caption in app.caption)


def test_every_engine_of_a_method_gives_a_map(in_tiny_zoo, empty_cache, queue):
    app = open_app(queue, scan=SAMPLE).run()
    app.selectbox(key="engine-gradcam").select("tf-keras-vis").run()
    assert predicted_class(app) and not errors(app)
    assert [each.engine for each in empty_cache._kept.values()] == ["compiled", "tf-keras-vis"]


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in FEW_FILES)) for n in BAD_FILES])
def test_a_bad_file_gets_one_sentence_and_the_next_scan_is_served(in_tiny_zoo, session, name):
    app = upload(session, (name, BAD_FILES[name]()))
    assert len(errors(app)) == 1 and not predicted_class(app)
    assert errors(app)[0].endswith(".") and "Traceback" not in errors(app)[0]
    upload(app, ("good.png", GOOD))
    assert predicted_class(app) and not errors(app)


def test_the_good_files_of_an_upload_with_a_bad_one_are_read(tiny_app):
    app = tiny_app.run()
    upload(app, ("a.png", GOOD), ("empty.png", b""), ("b.dcm", dicom12(phantom("glioma", 1).scan.pixels)))
    assert len(errors(app)) == 1 and predicted_class(app)
    assert list(state_of(app).entries) == ["b.dcm", "a.png"] and rail(app)["open"] == "b.dcm"
    open_in_rail(app, "a.png")
    assert viewers(app)["viewer"]["pictures"][0]["lines"] == ["190 × 236 pixels"]


@pytest.mark.parametrize("name", ODD_FILES)
def test_a_file_with_a_peculiarity_gets_a_note(in_tiny_zoo, session, name):
    make, words = ODD_FILES[name]
    app = upload(session, (name, make()))
    assert predicted_class(app) and not errors(app)
    assert any(words in info.value for info in app.info)


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_hostile_file_name_is_harmless_text(in_tiny_zoo, session, name):
    app = upload(session, (name, GOOD), (name, b"no scan"))
    assert predicted_class(app) and len(errors(app)) == 1
    for shown in (rail(app)["open"], app.text[0].value):
        assert 0 < len(shown) <= 66 and not set(shown) & set("/\\<>[]`*$")
    assert not any("evil" in element.value or "passwd" in element.value for element in (*app.markdown, *app.caption))


def test_two_files_of_one_name_can_both_be_chosen(tiny_app):
    app = upload(tiny_app.run(), ("scan.png", GOOD), ("scan.png", png(phantom("glioma", 1).scan.pixels)))
    assert [scan["name"] for scan in rail(app)["lists"][0]["scans"]] == ["scan.png (2)", "scan.png"]


def test_an_unknown_model_in_the_address_is_ignored(app):
    app.query_params["model"] = "../../etc/passwd"
    app.run()
    assert not app.exception and not errors(app)
    assert app.selectbox(key="model").value == MODEL


def test_a_known_model_in_the_address_is_chosen(app):
    last = list(models())[-1]
    app.query_params["model"] = last
    app.run()
    assert app.selectbox(key="model").value == last


def test_a_volume_is_cut_in_the_plane_and_slice_that_the_user_chooses(tiny_app):
    app = upload(tiny_app.run(), ("head.nii", nifti(volume().astype(np.int16))))
    assert slider(app, "Slice").value == 5 and slider(app, "Slice").max == 8
    assert predicted_class(app) and "slice 5 of 8" in viewers(app)["viewer"]["pictures"][0]["lines"][0]
    slider(app, "Slice").set_value(8).run()
    assert not predicted_class(app) and errors(app) == [BLANK_SLICE]
    slider(app, "Slice").set_value(3).run()
    assert predicted_class(app) and not errors(app)


def test_a_plane_too_thin_to_see_is_refused_and_the_other_is_still_there(tiny_app):
    app = upload(tiny_app.run(), ("head.nii", nifti(volume().astype(np.int16))))
    app.segmented_control(key="plane").set_value("coronal").run()
    assert not predicted_class(app) and len(errors(app)) == 1 and "axial" in errors(app)[0]
    app.segmented_control(key="plane").set_value("axial").run()
    assert predicted_class(app) and state_of(app).plane == "axial"


def test_the_window_is_in_the_units_of_the_file_and_can_be_reset(tiny_app):
    values = dicom12(phantom("glioma", 1).scan.pixels, WindowCenter=1000, WindowWidth=600)
    app = upload(tiny_app.run(), ("scan.dcm", values))
    viewer = viewers(app)["viewer"]
    (own,) = (each for each in viewer["pictures"][0]["scan"]["presets"] if each["own"])
    assert (own["level"], own["width"]) == pytest.approx((999.5, 599))
    key = viewer["pictures"][0]["scan"]["window_key"]
    assert viewer["windows"] == {key: None}
    change_view(app, window=[key, 2000.0, 300.0])
    assert state_of(app).windows == {key: (2000.0, 300.0)} and viewers(app)["viewer"]["windows"] == {key: [2000, 300]}
    change_view(app, count=2, window=[key])
    assert state_of(app).windows == {} and viewers(app)["viewer"]["windows"] == {key: None}


@pytest.mark.parametrize(
    "view",
    [
        {"rendering": {"opacity": 7, "threshold": None, "colour_map": "jet", "smoothing": -1, "contours": "yes"}},
        {"window": ["x", 0, -1]},
        {"window": ["x", "a", "b"]},
        {"place": 99},
        {"shown": "no"},
        {"rendering": {"opacity": float("nan")}},
    ],
)
def test_what_the_viewer_cannot_mean_is_passed_over(in_tiny_zoo, queue, view):
    app = open_app(queue, scan=SAMPLE).run()
    before = state_of(app).rendering
    change_view(app, **view)
    session = state_of(app)
    assert not app.exception and session.rendering == before and session.map_shown and not session.windows


def test_every_control_of_the_rendering_reaches_the_state(in_tiny_zoo, queue):
    app = open_app(queue, scan=SAMPLE).run()
    changes = {"opacity": 0.8, "threshold": 0.4, "colour_map": "viridis", "contours": True, "smoothing": 2.0}
    for count, (name, value) in enumerate(changes.items()):
        change_view(app, count=count, rendering={name: value})
        assert viewers(app)["viewer"]["rendering"][name] == value == getattr(state_of(app).rendering, name)
    change_view(app, count=9, shown=False)
    assert not viewers(app)["viewer"]["shown"] and kinds(app) == ["scan", "map"]
