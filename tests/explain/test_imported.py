"""An imported model is explained by every method that it allows; the others are refused in a sentence."""

import numpy as np
import pytest

from explain import METHODS, Request, explain, methods_for
from explain.__main__ import main
from explain.similar.index import features_of
from model_zoo import ModelError, load_model
from model_zoo.imported import Choices, import_model
from scans import phantom
from tests.conftest import CLASSES, compiling, tiny_network
from tests.onnx_files import classifier

EVERY = [pytest.param(name, marks=compiling(name)) for name in METHODS]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Return the models "onnx" and "keras"."""
    folder = tmp_path_factory.mktemp("theirs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_IMPORTED", str(folder / "imported"))
        (folder / "theirs.onnx").write_bytes(classifier())
        tiny_network().save(folder / "theirs.keras")
        for kind in ("onnx", "keras"):
            import_model(folder / f"theirs.{kind}", kind, Choices(CLASSES))
        yield {kind: load_model(kind) for kind in ("onnx", "keras")}


@pytest.fixture(scope="module")
def scan():
    return phantom("glioma", 5, 64).scan


@pytest.mark.parametrize("name", EVERY)
def test_a_keras_model_is_explained_by_every_method(imported, scan, name):
    assert np.isfinite(explain(Request(imported["keras"], scan, name, seconds=2)).heat).all()


@pytest.mark.parametrize("name", EVERY)
def test_an_onnx_model_is_explained_by_what_needs_its_predictions_alone(imported, scan, name):
    model = imported["onnx"]
    if METHODS[name].needs:
        assert name not in methods_for(model.card)
        with pytest.raises(ModelError, match=r"is an ONNX file; it can be explained by shap, lime, occlusion, rise"):
            Request(model, scan, name)
    else:
        made = explain(Request(model, scan, name, seconds=2))
        assert made.heat.any() and np.isfinite(made.heat).all()


def test_all_methods_of_an_onnx_model_are_those_that_it_allows(imported, tmp_path, capsys, scan):
    import cv2

    cv2.imwrite(str(tmp_path / "scan.png"), np.round(255 * scan.pixels).astype(np.uint8))
    flags = ["--model", "onnx", "--method", "all", "--seconds", "1", "--out", str(tmp_path / "maps")]
    assert main([str(tmp_path / "scan.png"), *flags]) == 0
    made = {path.stem.rsplit("-", 1)[-1] for path in (tmp_path / "maps").glob("*.png")}
    assert len(list((tmp_path / "maps").glob("*.png"))) == len(methods_for(imported["onnx"].card)) == 4, made


def test_an_onnx_model_has_no_features_to_find_similar_cases_by(imported):
    with pytest.raises(ModelError, match="no features to compare"):
        features_of(imported["onnx"], np.zeros((1, 24, 24, 3), np.float32))
