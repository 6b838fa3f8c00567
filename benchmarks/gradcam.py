"""How long does a Grad-CAM take: tf-keras-vis against the compiled one, and are the maps the same?"""

import keras
import numpy as np

from benchmarks.record import side_by_side, write
from explain import cam, keras_vis
from model_zoo import Model, load_model
from model_zoo.tap import find_tap
from scans import PHANTOM_SAMPLES, InputSpec, fit, phantom


class Bare:
    """A network with its tap: all an engine asks of a model."""

    def __init__(self, network: keras.Model) -> None:
        self.network, self.tap, self.card = network, find_tap(network), self


def main() -> None:
    """Measure warm calls on the shipped three-block CNN, and on two deep networks with random weights."""
    keras.utils.set_random_seed(0)
    random = {"weights": None, "classes": 15, "classifier_activation": None}
    models = {
        "cnn3-kaggle4": load_model("cnn3-kaggle4"),
        "MobileNetV2 128 px": Bare(keras.applications.MobileNetV2((128, 128, 3), **random)),
        "ResNet50V2 224 px": Bare(keras.applications.ResNet50V2(**random)),
    }
    write("gradcam", {name: measure(model) for name, model in models.items()})


def measure(model: Model | Bare) -> dict:
    """Return milliseconds a warm call of each engine, and the largest difference of the maps."""
    height, width, channels = model.network.input_shape[1:]
    batch = fit(phantom(*PHANTOM_SAMPLES[0]).scan, InputSpec(height, width, channels))[0][None]
    engines = {"tf-keras-vis": keras_vis.gradcam, "compiled": cam.gradcam}
    maps = {name: engine(model, batch, 0).values for name, engine in engines.items()}
    seconds = side_by_side({n: lambda e=e: e(model, batch, 0) for n, e in engines.items()}, rounds=15)
    largest = np.abs(maps["tf-keras-vis"]).max()
    return {f"{name}, milliseconds": round(1000 * s, 2) for name, s in seconds.items()} | {
        "tf-keras-vis over compiled": round(seconds["tf-keras-vis"] / seconds["compiled"], 1),
        "largest difference of the maps, share of the largest value": float(
            f"{np.abs(maps['tf-keras-vis'] - maps['compiled']).max() / largest:.1e}"
        ),
    }


if __name__ == "__main__":
    main()
