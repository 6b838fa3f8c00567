"""Does a reader take home what was on the screen, and a map that can be read again?"""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from explain import Explanation, colour_bar, png
from explain.render.export import CAPTION, archive, caption, sheet
from explain.render.text import font, wrapped


@pytest.fixture
def explanation() -> Explanation:
    return Explanation(
        heat=np.arange(12, dtype=np.float32).reshape(3, 4),
        raw=np.ones((2, 2), np.float32),
        method="gradcam",
        engine="compiled",
        unit="logit × activation",
        model="tiny-phantom4",
        weights="a" * 64,
        target="glioma",
        predicted="notumor",
        probabilities=(0.25, 0.05, 0.6, 0.1),
        probability=0.25,
        scan="b" * 64,
        slice=2,
        plane="axial",
        settings=(("tap", "last"),),
        seed=0,
        seconds=0.01,
        evaluations=2,
    )


def test_the_archive_holds_the_map_its_manifest_and_the_picture(explanation):
    picture, look = png(np.zeros((5, 5, 3), np.uint8)), {"smooth": 3.5, "threshold": 0.15}
    with zipfile.ZipFile(io.BytesIO(archive(explanation, picture, look))) as bundle:
        heat = np.load(io.BytesIO(bundle.read("map.npy")), allow_pickle=False)
        assert heat.dtype == np.float32 and np.array_equal(heat, explanation.heat)
        assert json.loads(bundle.read("manifest.json")) == json.loads(
            json.dumps(explanation.manifest() | {"picture": look})
        )
        assert bundle.read("overlay.png") == picture


def test_the_same_explanation_gives_the_same_bytes(explanation):
    assert archive(explanation, b"", {}) == archive(explanation, b"", {})


def test_the_caption_names_class_answer_method_model_and_slice(explanation):
    names = {"glioma": "Glioma", "notumor": "No tumour"}
    text = " ".join(caption(explanation, names, "A tiny network", "Grad-CAM"))
    for words in ("Glioma, probability 0.250", "answer: No tumour", "Grad-CAM", "A tiny network", "a" * 12, "slice 3"):
        assert words in text


def test_the_caption_says_how_settled_the_map_is_which_seed_drew_it_and_what_is_doubtful(explanation):
    drawn = replace(
        explanation,
        method="lime",
        seed=7,
        stopped="time",
        stability=0.913,
        evaluations=1001,
        notes=("R2 of LIME's linear model: 0.81.",),
        warnings=("The time was over.",),
    )
    text = " ".join(caption(drawn, {"glioma": "Glioma", "notumor": "No tumour"}, "A tiny network", "LIME"))
    for words in ("seed 7", "Cut off by the time budget", "0.91", "1,001 evaluations", "R2", "The time was over."):
        assert words in text
    assert "seed" not in " ".join(caption(explanation, {"glioma": "G", "notumor": "N"}, "A tiny network", "Grad-CAM"))


@pytest.mark.parametrize(("p", "said"), [(1.0, "over 0.999"), (0.9994, "0.999"), (0.0, "under 0.001"), (0.5, "0.500")])
def test_a_saturated_probability_is_never_a_flat_nought_or_one(explanation, p, said):
    lines = caption(replace(explanation, probability=p), {"glioma": "G", "notumor": "N"}, "A tiny network", "Grad-CAM")
    assert f"probability {said}." in lines[0]


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_sheet_holds_both_pictures_untouched_with_the_key_below(channels):
    rng = np.random.default_rng(0)
    original = rng.integers(0, 256, (640, 640, *channels), dtype=np.uint8)
    drawn = rng.integers(0, 256, (640, 640, 3), dtype=np.uint8)
    key = colour_bar(1.0, "logit", "inferno", 0.15)[:, :600]
    page = sheet(original, drawn, key, ["one line", "another"])
    assert np.array_equal(page[24:664, 24:664], original if channels else np.repeat(original[..., None], 3, -1))
    assert np.array_equal(page[24:664, 680:1320], drawn)
    assert page.shape[0] > sheet(original, drawn, None, ["one line", "another"]).shape[0]


def test_the_key_lies_under_the_picture_that_it_explains_and_nowhere_else():
    blank = np.zeros((640, 640), np.uint8)
    page = sheet(blank, blank, colour_bar(1.0, "logits", "amber", 0.15, against=True), [])
    beside = page[680:760, :680]
    assert np.array_equal(beside, np.broadcast_to(page[-1, -1], beside.shape))
    assert np.any(page[680:760, 680:1320] != page[-1, -1])


def test_a_long_caption_is_broken_and_never_runs_out_of_the_sheet():
    blank = np.zeros((640, 640), np.uint8)
    page = sheet(blank, blank, None, ["a long sentence about the map " * 20])
    assert not np.any(page[700:, -24:] != page[-1, -1])
    assert page.shape[0] > sheet(blank, blank, None, ["short"]).shape[0]
    assert max(font(19).getlength(line) for line in wrapped("word " * 99, 500, 19)) <= 500


def test_every_sheet_says_that_it_is_not_for_diagnosis():
    assert "Not for diagnosis" in CAPTION
    blank = np.zeros((640, 640), np.uint8)
    assert np.any(sheet(blank, blank, None, [])[680:] != sheet(blank, blank, None, [])[-1, -1])


def test_the_letters_have_every_sign_that_is_used():
    missing = font(19).getmask("\uffff")
    for sign in "×·“”…%−⁻⁴⁵":
        assert bytes(font(19).getmask(sign)) != bytes(missing)
