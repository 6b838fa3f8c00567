"""An explanation keeps all that is needed to repeat it, and the saved map is the map."""

import json
from dataclasses import replace

import numpy as np
import pytest

from explain import Request, explain
from explain.explanation import NOT_FOR_DIAGNOSIS
from model_zoo import load_model
from scans import phantom


@pytest.fixture
def explanation(in_tiny_zoo):
    model = load_model("tiny-phantom4", precision="f32")
    return explain(Request(model, phantom("glioma", 5, 96).scan, "gradcam", seed=7))


def test_the_saved_map_is_the_map_and_every_save_adds_a_line(explanation, tmp_path):
    for stem in ("a", "b"):
        np.testing.assert_array_equal(np.load(explanation.save(tmp_path, stem)), explanation.heat)
    lines = (tmp_path / "explanations.jsonl").read_text().splitlines()
    assert [json.loads(line)["map"] for line in lines] == ["a.gradcam.npy", "b.gradcam.npy"]


def test_a_manifest_names_model_weights_scan_and_settings(explanation):
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
    assert manifest["note"] == NOT_FOR_DIAGNOSIS
    assert "heat" not in manifest and "raw" not in manifest


@pytest.mark.parametrize("changes", [{"digest": "0" * 64}, {"plane": "coronal"}, {"index": 3}], ids=str)
def test_an_explanation_belongs_to_its_slice_and_weights_alone(explanation, changes):
    scan = phantom("glioma", 5, 96).scan
    assert explanation.scan_key == scan.key and explanation.belongs_to(scan, explanation.weights)
    assert not explanation.belongs_to(replace(scan, **changes), explanation.weights)
    assert not explanation.belongs_to(scan, "0" * 64)
