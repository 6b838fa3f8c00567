"""EfficientNetV2B0, a "further step" of seed 003, from random weights, distilled from candor-figshare3.

    python -m train efficientnetv2b0-distilled-figshare3

As resnet50-distilled-figshare3, with another network and half the epochs.

Validation accuracy 0.940 (0.936 as kept), best at epoch 50 of 50. Trained with Keras on JAX, on an H200 GPU that it
shared with other trainings, at 3 seconds an epoch.
"""

from dataclasses import replace

from train.recipes.resnet50_distilled_figshare3 import DIFFERENCES  # noqa: F401  # the card quotes it
from train.recipes.resnet50_distilled_figshare3 import RECIPE as RESNET50

RECIPE = replace(RESNET50, network="efficientnetv2b0", epochs=50)
PUBLISHED = "no score in their text: a further step (seed 003)"
SAME = ("an EfficientNet, of which their text names no version", "figshare's three classes")
