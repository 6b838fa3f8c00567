"""The libraries, called as their documentation shows: the other side of `benchmarks.explainers`.

Each takes a method's input and returns a map over the model's square, float32 (h', w'). What a library keeps between
calls (tf-keras-vis' wrapper, shap's explainer) is made beforehand, in its favour.
"""

from collections.abc import Callable

import keras
import numpy as np

from explain.methods.gradients import NOISE, healthy_heads
from explain.methods.lime import superpixels
from explain.refinement import MethodInput

SAMPLES = {"smoothgrad": 20, "lime": 1000, "shap": 500, "expected-gradients": 200}


def library_calls(given: MethodInput) -> dict[str, Callable[[], np.ndarray]]:
    """Return by method a call of the library that is documented for it; "cams" are its three of our four."""
    return {
        "cams": _three_cams(given),
        "scorecam": _scorecam(given),
        "smoothgrad": _smoothgrad(given),
        "lime": _lime(given),
        "shap": _shap(given),
        "expected-gradients": _expected_gradients(given),
    }


def _tapped(given: MethodInput) -> dict:
    return {"penultimate_layer": given.model.card.tap, "seek_penultimate_conv_layer": False, "expand_cam": False}


def _three_cams(given: MethodInput) -> Callable[[], np.ndarray]:
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.utils.scores import CategoricalScore

    engines = [kind(given.model.network, clone=True) for kind in (Gradcam, GradcamPlusPlus, Layercam)]
    score = CategoricalScore(given.target)

    def run() -> np.ndarray:
        maps = [engine(score, given.square[None], **_tapped(given))[0] for engine in engines]
        return np.asarray(maps[0])  # the Grad-CAM is compared; the time is that of all three

    return run


def _scorecam(given: MethodInput) -> Callable[[], np.ndarray]:
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    engine, score = Scorecam(given.model.network, clone=True), CategoricalScore(given.target)
    return lambda: np.asarray(engine(score, given.square[None], **_tapped(given))[0])


def _smoothgrad(given: MethodInput) -> Callable[[], np.ndarray]:
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.scores import CategoricalScore

    engine, score = Saliency(given.model.network, clone=True), CategoricalScore(given.target)
    noise = {"smooth_samples": SAMPLES["smoothgrad"], "smooth_noise": NOISE}

    def run() -> np.ndarray:
        np.random.seed(given.seed)
        return np.asarray(engine(score, given.square[None], **noise)[0])

    return run


def _lime(given: MethodInput) -> Callable[[], np.ndarray]:
    from lime.lime_image import LimeImageExplainer

    network, channels, regions = given.model.network, given.square.shape[-1], superpixels(given)
    image = np.repeat(given.square[..., :1], 3, axis=-1)  # it takes no picture of one channel

    def run() -> np.ndarray:
        explained = LimeImageExplainer(random_state=given.seed).explain_instance(
            image,
            lambda batch: network.predict(batch[..., :channels], verbose=0),
            labels=(given.target,),
            top_labels=None,
            num_samples=SAMPLES["lime"],
            segmentation_fn=lambda _: regions,
            random_seed=0,
        )
        weights = np.zeros(regions.max() + 1, np.float32)
        for region, weight in explained.local_exp[given.target]:
            weights[region] = weight
        return weights[regions]

    return run


def _shap(given: MethodInput) -> Callable[[], np.ndarray]:
    import shap

    network = given.model.network
    masker = shap.maskers.Image("blur(16,16)", given.square.shape)
    explainer = shap.Explainer(lambda batch: network.predict(batch, verbose=0), masker)

    def run() -> np.ndarray:
        explained = explainer(
            given.square[None],
            max_evals=SAMPLES["shap"],
            batch_size=50,
            outputs=[given.target],
            silent=True,
        )
        return explained.values[0, ..., 0].sum(axis=-1).astype(np.float32)

    return run


def _expected_gradients(given: MethodInput) -> Callable[[], np.ndarray]:
    import shap

    heads = np.array(healthy_heads(given.model.card.input))
    explainer = shap.GradientExplainer(keras.Model(given.model.network.inputs, given.model.network.outputs), heads)

    def run() -> np.ndarray:  # of all classes, as documented: the class is picked afterwards
        values = np.asarray(explainer.shap_values(given.square[None], nsamples=SAMPLES["expected-gradients"], rseed=0))
        return values[0, ..., given.target].sum(axis=-1).astype(np.float32)

    return run
