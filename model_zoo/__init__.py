"""The bundles: models with their cards, and how to load them and predict with them."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow's first import: no start-up chatter

from model_zoo.card import ModelCard, ModelError, Score, read_card, write_card
from model_zoo.estimate import Estimate
from model_zoo.zoo import Model, broken_models, bundle_folder, load_model, model_card, models, probabilities, zoo_folder

__all__ = [
    "Estimate",
    "Model",
    "ModelCard",
    "ModelError",
    "Score",
    "broken_models",
    "bundle_folder",
    "load_model",
    "model_card",
    "models",
    "probabilities",
    "read_card",
    "write_card",
    "zoo_folder",
]
