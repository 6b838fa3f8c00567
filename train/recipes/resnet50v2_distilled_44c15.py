"""The published ResNet50V2 (seed 000) from random weights, every layer trained, distilled from candor-leg2-44c15.

    python -m train resnet50v2-distilled-44c15

For a machine without ImageNet's weights; with them, resnet50v2-44c15 is nearer to theirs. A fifth of what the network
is trained towards are the labels, the rest the probabilities of candor-leg2-44c15 for the very same blends of scans.

Validation accuracy 0.905 (0.903 as shipped), best at epoch 80 of 80; its teacher has 0.913. Trained with Keras on JAX,
on an H200 GPU that it shared with six other trainings, at 7 seconds an epoch.
"""

from train.recipes._distilled import BLENDED, RATE, SHARED, TAUGHT_MORE, distilled
from train.recipes.resnet50v2_44c15 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet50v2_44c15 import RECIPE as THEIRS

RECIPE = distilled(
    THEIRS,
    teacher="candor-leg2-44c15",
    started_on="kaggle,figshare,br35h",
    val=0.1,
    test=0.2,
    block=20,
    zoom=0.15,
    mix=0.3,
    teach=0.8,
    erase=0.2,
    epochs=80,
)
SAME = ("ResNet50V2, its map averaged over 4 x 4 cells, flattened, one dense layer to the 15 classes",)
DIFFERENCES = (
    *SHARED,
    RATE,
    TAUGHT_MORE,
    BLENDED,
    "224 pixels (one mean of 4 x 4 cells of the 7 x 7), zoom 0.15, no crop: their text does not say",
    "theirs reports the tenth that the epoch is chosen on; here one tenth chooses and a fifth tests",
    "near-duplicates stay together in one split; theirs is divided at random",
)
