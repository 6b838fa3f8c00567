"""The published ResNet50V2 (seed 000) from random weights, every layer trained, distilled from candor-44c15.

    python -m train resnet50v2-distilled-44c15

For a machine without ImageNet's weights; with them, resnet50v2-44c15 is nearer to theirs. The network learns towards
the labels and the probabilities of candor-44c15, which was trained on the same scans.

Not trained to the end yet: it has no model in the zoo.
"""

from dataclasses import replace

from train.recipes.resnet50v2_44c15 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet50v2_44c15 import RECIPE as THEIRS

RECIPE = replace(
    THEIRS,
    weights="none",
    trainable=-1,
    teacher="candor-44c15",
    started_on="kaggle,figshare,br35h",  # by its teacher
    val=0.1,
    test=0.2,
    block=20,
    size=128,
    augment=1,
    flip=0.5,
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
    epochs=40,
    patience=0,
)
DIFFERENCES = (
    "random initial weights, every layer trained; theirs has ImageNet's weights and trains the last 7 layers",
    "trained towards the labels and, in equal parts, the probabilities of candor-44c15, which saw the same scans",
    "128 pixels (the mean of the whole map of 4 x 4 cells); theirs averages cells of a larger map",
    "flips, rotation to 15 degrees, shifts to 8 %, zoom 0.15, changes of contrast, dropout 0.3: theirs names none",
    "AdamW at 1e-3 falling to 0 over 40 epochs, averaged weights, batches of 32: their text does not say",
    "theirs reports the tenth that the epoch is chosen on; here one tenth chooses and a fifth tests",
    "near-duplicates and blocks of 20 neighbouring numbers stay together in one split; theirs is divided at random",
)
