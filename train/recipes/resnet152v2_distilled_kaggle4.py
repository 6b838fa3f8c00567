"""The published ResNet152V2 (seed 002) from random weights, every layer trained, distilled from candor-kaggle4.

    python -m train resnet152v2-distilled-kaggle4

For a machine without ImageNet's weights; with them, resnet152v2-kaggle4 is nearer to theirs. The network learns towards
the labels and the probabilities of candor-kaggle4, which was trained on the same scans: at 64 pixels for most of the
epochs, then at 112.

Not trained to the end yet: it has no model in the zoo.
"""

from dataclasses import replace

from train.recipes.resnet152v2_kaggle4 import DIFFERENCES as FROM_IMAGENET
from train.recipes.resnet152v2_kaggle4 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet152v2_kaggle4 import RECIPE as THEIRS

RECIPE = replace(
    THEIRS,
    weights="none",
    frozen_epochs=0,
    trainable=-1,
    teacher="candor-kaggle4",
    size=112,
    early_size=64,
    early=0.8,
    rotate=15,
    shift=0.08,
    zoom=0.15,
    contrast=0.2,
    optimizer="adamw",
    rate=1e-3,
    schedule="cosine",
    decay=0.02,
    average=0.995,
    dropout=0.3,
    epochs=24,
    patience=0,
)
DIFFERENCES = (
    "random initial weights, every layer trained; theirs has ImageNet's weights",
    "trained towards the labels and, in equal parts, the probabilities of candor-kaggle4, which saw the same scans",
    "112 pixels, in the first 19 of 24 epochs 64: their text names no size",
    "rotation to 15 degrees, shifts to 8 %, zoom 0.15, changes of contrast, flips: their text names none",
    "mean of the map, dropout 0.3, AdamW at 1e-3 falling to 0, averaged weights, batches of 32: as above",
    FROM_IMAGENET[-1],
)
