"""The published ResNet152V2 (seed 002) from random weights, every layer trained, distilled from candor-kaggle4.

    python -m train resnet152v2-distilled-kaggle4

For a machine without ImageNet's weights; with them, resnet152v2-kaggle4 is nearer to theirs. The network learns towards
the labels and the probabilities of candor-kaggle4, in equal parts.

Validation accuracy 0.973, best at epoch 35 of 45; candor-kaggle4, as shipped, has 0.978. Trained with Keras on JAX, on
an H200 GPU that it shared with six other trainings, at 12 seconds an epoch.
"""

from train.recipes._distilled import RATE, SHARED, TAUGHT, distilled
from train.recipes.resnet152v2_kaggle4 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet152v2_kaggle4 import RECIPE as THEIRS

RECIPE = distilled(THEIRS, teacher="candor-kaggle4", zoom=0.15, size=160, epochs=45)
SAME = (
    "ResNet152V2",
    "the scan cropped to the extreme points of the head",
    "the official test split (22 % of the scans by their count, here 1,311)",
)
DIFFERENCES = (
    *SHARED,
    RATE,
    TAUGHT,
    "160 pixels, zoom 0.15 and the mean of the map before the last layer: their text does not say",
    "the best epoch is chosen on a tenth of the training scans that shares no near-duplicate with the rest",
)
