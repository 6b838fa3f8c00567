"""VGG16, a "further step" of seed 003, from random weights, distilled from candor-figshare3.

    python -m train vgg16-distilled-figshare3

As resnet50-distilled-figshare3, with another network, half the epochs, and a lower rate after a longer warm-up.

Validation accuracy 0.925, best at epoch 50 of 50 and still rising. Trained with Keras on JAX, on an H200 GPU that it
shared with other trainings, at 3 seconds an epoch.
"""

from dataclasses import replace

from train.recipes.resnet50_distilled_figshare3 import FURTHER_STEPS
from train.recipes.resnet50_distilled_figshare3 import RECIPE as RESNET50

RECIPE = replace(RESNET50, network="vgg16", rate=2e-4, warmup=3, epochs=50)
PUBLISHED = "no score in their text: a further step (seed 003)"
SAME = ("a VGG, of which their text names no depth", "figshare's three classes")
DIFFERENCES = ("AdamW at 2e-4 after 3 epochs of warm-up, falling to 0", *FURTHER_STEPS)
