"""Maps of the self-test: what a model's Grad-CAM was when the model was made, and whether it still is.

python -m explain self-test [MODEL ...]
"""

import argparse
import sys

import numpy as np

from explain.methods.cam import cam_function
from model_zoo import Model, ModelError, bundle_folder, load_model, models
from model_zoo.self_test import SELF_TEST, SelfTest, phantom_pixels, read_self_test, require_same_maps, write_self_test
from model_zoo.whole_files import refused_write
from scans import as_input

_passed: set[tuple[str, str]] = set()  # (folder, sha256 of the weights) of the models whose maps were compared


def make_self_test(model: Model) -> SelfTest:
    """Return what a model gives for three phantoms, and write it into its bundle.

    A model without a network, or without a feature map, has no Grad-CAM to compare.
    """
    pixels = phantom_pixels(model.card.input)
    inputs = as_input(pixels.astype(np.float32) / 255, model.card.input)
    logits = model.runtime.logits(inputs)
    test = SelfTest(pixels, logits, _maps(model, inputs, logits))
    write_self_test(bundle_folder(model.card.id), test)
    return test


def require_self_test(model: Model) -> None:
    """Raise ModelError where the model's Grad-CAM is not what it was when it was made; compared once per process."""
    folder = bundle_folder(model.card.id)
    key = str(folder), model.card.weights_sha256
    if key in _passed:
        return
    test = read_self_test(folder, model.card)
    if test and test.maps.size:
        require_same_maps(model.card, test, _maps(model, test.inputs(model.card.input), test.logits))
    _passed.add(key)


def main(arguments: list[str]) -> int:
    """Write the self-test of the bundles named, or of all. Returns 0, or 2 where a model cannot be loaded."""
    parser = argparse.ArgumentParser(prog="python -m explain self-test", description=make_self_test.__doc__)
    parser.add_argument("models", metavar="MODEL", nargs="*", help="default: all")
    try:
        for name in parser.parse_args(arguments).models or models():
            test = make_self_test(load_model(name, precision="f32", tested=False))
            print(f"{name}: {SELF_TEST} of {len(test.pixels)} phantoms written")
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {refused_write(error)}", file=sys.stderr)
        return 2
    return 0


def _maps(model: Model, inputs: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return float32 (N, h', w'): the Grad-CAM of the class with the highest logit, for each input."""
    if not model.card.differentiable or not model.card.tap:
        return np.zeros((len(inputs), 0, 0), np.float32)
    run = cam_function(model.network, model.card.tap)
    targets = logits.argmax(axis=1).astype(np.int32)
    return np.stack([run(x[None], k)["gradcam"].numpy()[0] for x, k in zip(inputs, targets, strict=True)])
