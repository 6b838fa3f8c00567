"""The bundles, and how to load and ask them."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow's first import: no start-up chatter

from model_zoo.card import Figure, ModelCard, ModelError, read_card, write_card
from model_zoo.zoo import Model, load_model, model_card, models, probabilities, zoo_folder

__all__ = [
    "Figure",
    "Model",
    "ModelCard",
    "ModelError",
    "load_model",
    "model_card",
    "models",
    "probabilities",
    "read_card",
    "write_card",
    "zoo_folder",
]
