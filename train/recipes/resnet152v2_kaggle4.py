"""The published ResNet152V2 (seed 002) on the Kaggle four-class set: head crop, ImageNet weights; no score given.

    python -m train resnet152v2-kaggle4                             # ImageNet weights, downloaded
    python -m train resnet152v2-kaggle4 --set weights=FILE          # a local .h5 (notop) or .keras of a ResNet152V2
    python -m train resnet152v2-kaggle4 --set weights=none --set size=64 --set limit=8 --set epochs=2 \
        --set frozen_epochs=1 --out /tmp/zoo

Published: the text names no accuracy and leaves the training to a notebook.

What is the same and what differs: SAME and DIFFERENCES below, which the card repeats.
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="kaggle4",
    network="resnet152v2",
    weights="imagenet",
    head="average",
    frozen_epochs=10,
    trainable=13,
    pixels="backbone",
    size=224,
    crop=1,
    flip=0.5,
    optimizer="adam",
    rate=1e-4,
    schedule="constant",
    dropout=0.5,
    epochs=20,
    patience=6,
)

PUBLISHED = "no score in their text (seed 002)"
SAME = (
    "ResNet152V2 with ImageNet's weights",
    "the scan cropped to the extreme points of the head",
    "the official test split (22 % of the scans by their count, here 1,311)",
)
DIFFERENCES = (
    "224 pixels, as the weights expect them (-1 to 1): their text does not say",
    "the head alone for 10 epochs on features computed once, then the last 13 layers (one block) too for 10: as above",
    "mean of the map, dropout 0.5, Adam at 1e-4, batches of 32, no augmentation but the flip: as above",
    "the best epoch is chosen on a tenth of the training scans that shares no near-duplicate with the rest",
)
