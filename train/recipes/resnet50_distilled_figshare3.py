"""The published ResNet50 (seed 003) from random weights, every layer trained, distilled from candor-figshare3.

    python -m train resnet50-distilled-figshare3

For a machine without ImageNet's weights; with them, resnet50-figshare3 is nearer to theirs. A fifth of what the network
is trained towards are the labels, the rest the probabilities of candor-figshare3 for the very same blends of scans.

Validation accuracy 0.977, best at epoch 65 of 100; candor-figshare3 has 0.985. Trained with Keras on JAX, on an H200
GPU that it shared with six other trainings, at 4 seconds an epoch. An earlier trial with the labels in equal part and
without blends was stopped after 12 epochs, where its best was 0.464, against 0.615 after 10.
"""

from train.recipes._distilled import BLENDED, RATE, SHARED, TAUGHT_MORE, distilled
from train.recipes.resnet50_figshare3 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet50_figshare3 import RECIPE as THEIRS

RECIPE = distilled(
    THEIRS, teacher="candor-figshare3", started_on="br35h,44c", zoom=0.15, mix=0.3, teach=0.8, erase=0.2, epochs=100
)
SAME = ("ResNet50", "figshare's three classes")
FURTHER_STEPS = (  # of VGG16, too, whose rate is another
    *SHARED,
    TAUGHT_MORE,
    BLENDED,
    "224 pixels, zoom 0.15, head crop, mean of the map before the last layer: their text does not say",
    "class weights: their text names them of the baseline alone",
    "from random weights the network needs augmentation; theirs, from ImageNet's, became worse with it",
    "theirs cuts the rate on a plateau and stops early",
    "blocks of 20 neighbouring numbers stay together; theirs divides slices at random, one patient on both sides",
)
DIFFERENCES = (RATE, *FURTHER_STEPS)
