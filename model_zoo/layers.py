"""The layers of a network, and a copy of it whose layers compute in another precision."""

import keras


def layers_of(network: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers from input to logits, those of nested models in their place."""
    found = []
    for layer in network.layers:
        found += layers_of(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def in_precision(network: keras.Model, policy: str) -> keras.Model:
    """Return a copy of a network, with weights of its own, whose layers have a Keras dtype policy ("mixed_bfloat16").

    A copy, since the network is shared by every user of the process.
    """

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        # An operation that is no layer, as the flip of red and blue in ResNet50's preprocessing, takes no dtype.
        if isinstance(layer, keras.layers.Layer) and not isinstance(layer, keras.layers.InputLayer):
            config["dtype"] = policy
        return type(layer).from_config(config)

    copy = keras.models.clone_model(network, clone_function=copied, recursive=True)
    copy.set_weights(network.get_weights())
    return copy
