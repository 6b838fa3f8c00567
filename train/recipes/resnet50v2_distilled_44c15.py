"""The published ResNet50V2 (seed 000) from random weights, every layer trained, distilled from candor-44c15.

    python -m train resnet50v2-distilled-44c15

For a machine without ImageNet's weights; with them, resnet50v2-44c15 is nearer to theirs. The network learns towards
the labels and the probabilities of candor-44c15, in equal parts.

Not trained to the end yet: it has no model in the zoo.
"""

from train.recipes._distilled import DIFFERENCES as SHARED
from train.recipes._distilled import distilled
from train.recipes.resnet50v2_44c15 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet50v2_44c15 import RECIPE as THEIRS

RECIPE = distilled(
    THEIRS,
    teacher="candor-44c15",
    started_on="kaggle,figshare,br35h",
    val=0.1,
    test=0.2,
    block=20,
    zoom=0.15,
    epochs=40,
)
DIFFERENCES = (
    *SHARED,
    "128 pixels and zoom 0.15: their text names neither",
    "theirs reports the tenth that the epoch is chosen on; here one tenth chooses and a fifth tests",
    "near-duplicates and blocks of 20 neighbouring numbers stay together in one split; theirs is divided at random",
)
