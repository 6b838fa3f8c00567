"""An explanation keeps all that is needed to repeat it, and what was saved is what was shown."""

import json

import numpy as np
import pytest

from explain import Request, explain
from model_zoo import load_model
from scans import phantom


@pytest.fixture
def explanation(in_tiny_zoo):
    return explain(
        Request(load_model("tiny-phantom4", precision="f32"), phantom("glioma", 5, 96).scan, "gradcam", seed=7)
    )


def test_the_saved_map_is_the_map_and_every_save_adds_a_line(explanation, tmp_path):
    for stem in ("a", "b"):
        np.testing.assert_array_equal(np.load(explanation.save(tmp_path, stem)), explanation.heat)
    lines = (tmp_path / "explanations.jsonl").read_text().splitlines()
    assert [json.loads(line)["map"] for line in lines] == ["a.gradcam.npy", "b.gradcam.npy"]


def test_a_manifest_says_what_was_asked_of_which_weights_and_how(explanation):
    manifest = json.loads(json.dumps(explanation.manifest()))
    assert manifest["model"] == "tiny-phantom4" and len(manifest["weights"]) == 64 == len(manifest["scan"])
    assert manifest["settings"] == {
        "tap": "last",
        "prediction runtime": "openvino",
        "prediction precision": "f32",
    }
    assert sum(manifest["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert manifest["probability"] == max(manifest["probabilities"])
    assert manifest["seed"] == 7 and manifest["raw_shape"] == [16, 16] and manifest["shape"] == [96, 96]
    assert "not about the patient" in manifest["note"]
    assert "heat" not in manifest and "raw" not in manifest
