"""What does a reader of the Explain page get, step by step?"""

import json

import numpy as np
import pytest

from model_zoo import models
from scans import phantom
from tests.bad_files import BAD_FILES, ODD_FILES
from tests.good_files import dicom12, nifti, png
from tests.pages.conftest import answer, errors, upload

MODEL = next(iter(models()), "none")
GOOD = png(phantom("meningioma", 900_002).scan.pixels[20:, 30:220])
HOSTILE_NAMES = {
    "folders": "../../../../etc/passwd.png",
    "Windows folders": "..\\..\\boot.png",
    "Markdown": "![x](http://evil.example/p.png) **bold** `code` $x$ :smile:.png",
    "HTML": "<img src=x onerror=alert(1)><script>alert(1)</script>.png",
    "300 characters": "a" * 300 + ".png",
    "nothing but dots": "...",
}


def volume() -> np.ndarray:
    """Int16 (x, y, z) of a head, 8 slices, the outermost blank."""
    head = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    return np.stack([head * height for height in (0, 0.9, 1, 1, 1, 1, 0.9, 0)], -1) * 1000


def bars(app) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]


def slider(app, label: str):
    return next(slider for slider in app.slider if slider.label == label)


def test_a_sample_gets_a_verdict_and_stays_visible_beside_its_map(app):
    app.run().button[0].click().run()
    card = models()[MODEL]
    assert answer(app).removeprefix("The model's answer: ") in card.names
    assert sorted(bars(app)["y"]) == sorted(card.names)
    assert sum(bars(app)["x"]) == pytest.approx(1, abs=1e-4)
    assert [image.proto.imgs[0].alt for image in app.get("image")] == [
        "The scan",
        "The scan under the heatmap",
        "Colour bar",
    ]


def test_the_class_to_explain_changes_the_map_and_not_the_answer(app):
    app.run().button[0].click().run()
    first = answer(app)
    card = models()[MODEL]
    for class_id, name in zip(card.classes, card.names, strict=True):
        app.selectbox(key=f"class-{MODEL}").select(class_id).run()
        assert answer(app) == first
        chart = bars(app)
        accented = [y for y, colour in zip(chart["y"], chart["marker"]["color"], strict=True) if colour.startswith("#")]
        assert accented == [name]
        said = [caption.value for caption in app.caption] + [warning.value for warning in app.warning]
        assert any(name in sentence and "evidence" in sentence for sentence in said)


def test_both_engines_answer(app):
    app.run().button[0].click().run()
    app.selectbox(key="engine-gradcam").select("tf-keras-vis").run()
    assert answer(app) and not errors(app)


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gets_one_sentence_and_the_next_scan_is_served(app, name):
    upload(app.run(), (name, BAD_FILES[name]()))
    assert not app.exception and len(errors(app)) == 1
    assert errors(app)[0].endswith(".") and "Traceback" not in errors(app)[0]
    assert not answer(app)
    upload(app, ("good.png", GOOD))
    assert answer(app) and not errors(app)


def test_the_other_files_of_the_same_upload_still_answer(app):
    upload(app.run(), ("a.png", GOOD), ("empty.png", b""), ("b.dcm", dicom12(phantom("glioma", 1).scan.pixels)))
    assert len(errors(app)) == 1 and answer(app)
    assert app.selectbox[0].options[:2] == ["b.dcm", "a.png"]
    assert app.selectbox[0].value == "b.dcm"
    app.selectbox[0].select("a.png").run()
    assert "190 × 236 pixels" in [caption.value for caption in app.caption]


@pytest.mark.parametrize("name", ODD_FILES)
def test_what_is_odd_about_a_file_is_said(app, name):
    make, words = ODD_FILES[name]
    upload(app.run(), (name, make()))
    assert answer(app) and not errors(app)
    assert any(words in info.value for info in app.info)


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_hostile_file_name_is_shown_as_harmless_text(app, name):
    upload(app.run(), (name, GOOD), (name, b"no scan"))
    assert answer(app) and len(errors(app)) == 1
    for shown in (app.selectbox[0].value, app.text[0].value):
        assert 0 < len(shown) <= 66 and not set(shown) & set("/\\<>[]`*$")
    assert not any("evil" in element.value or "passwd" in element.value for element in (*app.markdown, *app.caption))


def test_two_files_of_one_name_can_both_be_chosen(app):
    upload(app.run(), ("scan.png", GOOD), ("scan.png", png(phantom("glioma", 1).scan.pixels)))
    assert app.selectbox[0].options[:2] == ["scan.png (2)", "scan.png"]


def test_an_unknown_model_in_the_address_is_ignored(app):
    app.query_params["model"] = "../../etc/passwd"
    app.run()
    assert not app.exception and not errors(app)
    assert app.selectbox(key="model").value == MODEL


def test_a_known_model_in_the_address_is_chosen(app):
    app.query_params["model"] = MODEL
    app.run()
    assert app.selectbox(key="model").value == MODEL


def test_a_volume_is_cut_in_the_plane_and_slice_that_the_reader_chooses(app):
    upload(app.run(), ("head.nii", nifti(volume().astype(np.int16))))
    assert slider(app, "Slice").value == 5 and slider(app, "Slice").max == 8
    assert answer(app) and "slice 5 of 8" in " ".join(caption.value for caption in app.caption)
    slider(app, "Slice").set_value(8).run()
    assert not answer(app) and "blank" in errors(app)[0]
    slider(app, "Slice").set_value(3).run()
    assert answer(app) and not errors(app)


def test_a_plane_too_thin_to_see_is_refused_and_the_other_is_still_there(app):
    upload(app.run(), ("head.nii", nifti(volume().astype(np.int16))))
    app.segmented_control(key="plane").set_value("coronal").run()
    assert not app.exception and len(errors(app)) == 1 and "look at it axial" in errors(app)[0]
    app.segmented_control(key="plane").set_value("axial").run()
    assert answer(app)


def test_the_window_is_in_the_units_of_the_file_and_can_be_reset(app):
    values = dicom12(phantom("glioma", 1).scan.pixels, WindowCenter=1000, WindowWidth=600)
    upload(app.run(), ("scan.dcm", values))
    assert slider(app, "Window").value == pytest.approx(599) and slider(app, "Level").value == pytest.approx(999.5)
    before = app.get("image")[0].proto.imgs[0].url
    slider(app, "Level").set_value(2000.0).run()
    assert app.get("image")[0].proto.imgs[0].url != before
    next(button for button in app.button if button.label == "Reset").click().run()
    assert slider(app, "Level").value == pytest.approx(999.5)
    assert app.get("image")[0].proto.imgs[0].url == before


def test_every_control_of_the_overlay_draws(app):
    app.run().button[0].click().run()
    seen = {app.get("image")[1].proto.imgs[0].url}
    app.slider(key="opacity").set_value(80).run()
    seen.add(app.get("image")[1].proto.imgs[0].url)
    app.slider(key="threshold").set_value(40).run()
    seen.add(app.get("image")[1].proto.imgs[0].url)
    app.selectbox(key="colour-map").select("viridis").run()
    seen.add(app.get("image")[1].proto.imgs[0].url)
    app.segmented_control(key="drawn-as").set_value("Contours").run()
    seen.add(app.get("image")[1].proto.imgs[0].url)
    assert len(seen) == 5
    app.button(key="show-heatmap").click().run()
    scan, beside = (image.proto.imgs[0].url for image in app.get("image"))
    assert scan == beside  # the overlay is off: the plain scan, twice
