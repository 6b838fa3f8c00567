"""The published ResNet152V2 (seed 002) from random weights, every layer trained, distilled from candor-kaggle4.

    python -m train resnet152v2-distilled-kaggle4

For a machine without ImageNet's weights; with them, resnet152v2-kaggle4 is nearer to theirs. The network learns towards
the labels and the probabilities of candor-kaggle4, in equal parts.

Not trained to the end yet: it has no model in the zoo.
"""

from train.recipes._distilled import DIFFERENCES as SHARED
from train.recipes._distilled import distilled
from train.recipes.resnet152v2_kaggle4 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet152v2_kaggle4 import RECIPE as THEIRS

RECIPE = distilled(THEIRS, teacher="candor-kaggle4", zoom=0.15, size=112, early_size=64, early=0.8, epochs=24)
DIFFERENCES = (
    *SHARED,
    "112 pixels, in the first 19 of 24 epochs 64, and zoom 0.15: their text names neither",
    "the best epoch is chosen on a tenth of the training scans that shares no near-duplicate with the rest",
)
