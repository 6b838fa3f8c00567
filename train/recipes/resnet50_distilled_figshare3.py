"""The published ResNet50 transfer (seed 003) from random weights, every layer trained, distilled from candor-figshare3.

    python -m train resnet50-distilled-figshare3
    python -m train resnet50-distilled-figshare3 --set network=vgg16 --set rate=3e-4 --out /tmp/vgg16
    python -m train resnet50-distilled-figshare3 --set network=efficientnetv2b0 --out /tmp/efficientnet

For a machine without ImageNet's weights; with them, resnet50-figshare3 is nearer to theirs. The network learns towards
the labels and the probabilities of candor-figshare3, which was trained on the same scans: at 64 pixels for most of the
epochs, then at 128.

Not trained to the end yet: it has no model in the zoo.
"""

from dataclasses import replace

from train.recipes.resnet50_figshare3 import DIFFERENCES as FROM_IMAGENET
from train.recipes.resnet50_figshare3 import PUBLISHED  # noqa: F401  # the card quotes it
from train.recipes.resnet50_figshare3 import RECIPE as THEIRS

RECIPE = replace(
    THEIRS,
    weights="none",
    trainable=-1,
    teacher="candor-figshare3",
    started_on="br35h,44c",  # by its teacher
    size=128,
    early_size=64,
    early=0.8,
    augment=1,
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
    "random initial weights, every layer trained; theirs has ImageNet's weights and some trainable layers",
    "trained towards the labels and, in equal parts, the probabilities of candor-figshare3, which saw the same scans",
    "128 pixels, in the first 32 of 40 epochs 64: their text names no size",
    "flips, rotation to 15 degrees, shifts to 8 %, zoom 0.15, changes of contrast: from random weights their network "
    "needs them; theirs, from ImageNet's, became worse with augmentation",
    "AdamW at 1e-3 falling to 0 over 40 epochs, averaged weights; theirs cuts the rate on a plateau and stops early",
    "class weights, dropout 0.3, batches of 32: their text does not say",
    FROM_IMAGENET[0],
)
