"""The published ResNet50V2 (seed 000) on the 44c set read as 15 classes; its curves are pictures, no score given.

    python -m train resnet50v2-44c15                                # ImageNet weights, downloaded
    python -m train resnet50v2-44c15 --set weights=FILE             # a local .h5 (notop) or .keras of a ResNet50V2
    python -m train resnet50v2-44c15 --set weights=none --set size=128 --set limit=20 --set epochs=1 --out /tmp/zoo

Published: curves of the accuracy and a confusion matrix of the validation scans, both as pictures. The table
of classes, said to be of the 90 % that are trained on, adds up to 4,479 scans: the whole set.

What is the same and what differs: SAME and DIFFERENCES below, which the card repeats.
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="44c15",
    network="resnet50v2",
    weights="imagenet",
    head="pool4-flatten",
    trainable=7,
    pixels="backbone",
    size=224,
    crop=0,
    val=0.1,
    test=0.1,
    augment=0,
    optimizer="adam",
    rate=1e-4,
    schedule="constant",
    dropout=0.0,
    epochs=20,
    patience=6,
)

PUBLISHED = "no score in their text, only curves and a confusion matrix as pictures (seed 000)"
SAME = (
    "ResNet50V2 with ImageNet's weights, its last 7 layers trained",
    "its map averaged over 4 x 4 cells, flattened, one dense layer to the 15 classes",
    "no augmentation and no dropout: their text speaks of none",
)
DIFFERENCES = (
    "theirs reports the tenth that the epoch is chosen on; here one tenth chooses and another tests",
    "near-duplicates are kept together in one split; theirs is divided at random",
    "224 pixels (one mean of 4 x 4 cells of the 7 x 7), as the weights expect them (-1 to 1): their text does not say",
    "no crop, Adam at 1e-4, batches of 32 and 20 epochs: as above",
)
