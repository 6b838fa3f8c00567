"""The sanity check: whether a map changes when the model's weights are randomised, from the last layer down.

Adebayo et al. 2018, https://arxiv.org/abs/1810.03292: from the logits down, the weights of ever more layers are
shuffled among themselves, which keeps their spread; a map that does not change does not show what was learnt. The
limit: how well maps agree also depends on the task (Yona & Greenfeld 2021, https://arxiv.org/abs/2110.14297).
"""

from dataclasses import replace

import numpy as np

from model_zoo import Model
from model_zoo.runtime import make_runtime

STAGES = {"logits": 0.0, "upper half": 0.5, "all": 1.0}  # share of the layers with weights, from the logits down
SURVIVES = 0.5  # mean rank correlation with the map of the fully randomised network, above which a method fails


def randomised(model: Model, share: float, seed: int = 0) -> Model:
    """Return a copy of a model in which the upper `share` of its layers, one at least, has its weights shuffled."""
    import keras  # seconds: reading a stored evaluation must not wait for it

    from model_zoo.layers import layers_of

    network = keras.models.clone_model(model.network)
    network.set_weights(model.network.get_weights())
    layers = [layer for layer in layers_of(network) if layer.weights]
    rng = np.random.default_rng(seed)
    for layer in layers[len(layers) - max(1, round(share * len(layers))) :]:
        layer.set_weights([rng.permutation(values.ravel()).reshape(values.shape) for values in layer.get_weights()])
    runtime = make_runtime(network, engine=model.runtime.engine, precision=model.runtime.precision)
    return replace(model, network=network, runtime=runtime)
