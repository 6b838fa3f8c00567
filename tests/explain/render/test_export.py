"""An export holds what was on the screen, and a map that can be read again."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from explain import png
from explain.explanation import NOT_FOR_DIAGNOSIS
from explain.render.export import archive, caption, sheet
from explain.render.overlay import colour_bar
from explain.render.text import font, wrapped
from tests.explain.conftest import explanation

MAP = explanation(slice=2, plane="axial")
NAMES = {"glioma": "Glioma", "notumor": "No tumour"}


def test_the_archive_holds_the_map_its_manifest_and_the_picture():
    picture, rendering = png(np.zeros((5, 5, 3), np.uint8)), {"smoothing": 3.5, "threshold": 0.15}
    with zipfile.ZipFile(io.BytesIO(archive(MAP, picture, rendering))) as bundle:
        heat = np.load(io.BytesIO(bundle.read("map.npy")), allow_pickle=False)
        assert heat.dtype == np.float32 and np.array_equal(heat, MAP.heat)
        assert json.loads(bundle.read("manifest.json")) == json.loads(
            json.dumps(MAP.manifest() | {"picture": rendering})
        )
        assert bundle.read("overlay.png") == picture


def test_the_same_explanation_gives_the_same_bytes():
    assert archive(MAP, b"", {}) == archive(MAP, b"", {})


def test_the_caption_names_class_prediction_method_model_and_slice():
    text = " ".join(caption(MAP, NAMES, "A tiny network", "Grad-CAM"))
    for words in ("Glioma", "0.250", "No tumour", "Grad-CAM", "A tiny network", "a" * 12, "slice 3"):
        assert words in text


def test_the_caption_says_whether_the_map_converged_its_seed_and_its_warnings():
    lime = replace(
        MAP,
        method="lime",
        seed=7,
        stopped="time",
        stability=0.913,
        evaluations=1001,
        notes=("R2 of LIME's linear model: 0.81.",),
        warnings=("Stopped early.",),
    )
    text = " ".join(caption(lime, NAMES, "A tiny network", "LIME"))
    for words in ("seed 7", "time limit", "0.91", "1,001 evaluations", "R2", "Stopped early."):
        assert words in text
    assert "seed" not in " ".join(caption(MAP, NAMES, "A tiny network", "Grad-CAM"))


@pytest.mark.parametrize(("p", "words"), [(1.0, "over 0.999"), (0.9994, "0.999"), (0.0, "under 0.001"), (0.5, "0.500")])
def test_a_saturated_probability_is_never_a_flat_zero_or_one(p, words):
    lines = caption(replace(MAP, probability=p), NAMES, "A tiny network", "Grad-CAM")
    assert f"probability {words}." in lines[0]


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_sheet_holds_both_pictures_untouched_with_the_colour_bar_below(channels):
    rng = np.random.default_rng(0)
    plain = rng.integers(0, 256, (640, 640, *channels), dtype=np.uint8)
    overlay = rng.integers(0, 256, (640, 640, 3), dtype=np.uint8)
    bar = colour_bar(1.0, "logit", "inferno", 0.15)[:, :600]
    page = sheet(plain, overlay, bar, ["one line", "another"])
    assert np.array_equal(page[24:664, 24:664], plain if channels else np.repeat(plain[..., None], 3, -1))
    assert np.array_equal(page[24:664, 680:1320], overlay)
    assert page.shape[0] > sheet(plain, overlay, None, ["one line", "another"]).shape[0]


def test_the_colour_bar_lies_under_the_picture_that_it_explains_and_nowhere_else():
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
    assert "Not for diagnosis" in NOT_FOR_DIAGNOSIS
    blank = np.zeros((640, 640), np.uint8)
    assert np.any(sheet(blank, blank, None, [])[680:] != sheet(blank, blank, None, [])[-1, -1])


def test_the_letters_have_every_sign_that_is_used():
    missing = font(19).getmask("\uffff")
    for sign in "×·“”…%−⁻⁴⁵":
        assert bytes(font(19).getmask(sign)) != bytes(missing)
