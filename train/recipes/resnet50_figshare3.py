"""The published ResNet50 transfer (seed 003) on the figshare three-class set: theirs, F1 over 0.97 on random slices.

    python -m train resnet50-figshare3                              # ImageNet weights, downloaded
    python -m train resnet50-figshare3 --set weights=FILE           # a local .h5 (notop) or .keras of a ResNet50
    python -m train resnet50-figshare3 --set trainable=0            # or 10, 32, -1: their "number of trainable layers"
    python -m train resnet50-figshare3 --set network=vgg16 --set trainable=4 --out /tmp/vgg16
    python -m train resnet50-figshare3 --set network=efficientnetv2b0 --set trainable=30 --out /tmp/efficientnet
    python -m train resnet50-figshare3 --set weights=none --set size=64 --set limit=20 --set epochs=2 --out /tmp/zoo

Published: F1 over 0.97 with a learning rate that is reduced on a plateau and early stopping, against 0.95 for
`cnn3-figshare3`; augmentation made it much worse. VGG and EfficientNet are their "further steps".

What is the same and what differs: SAME and DIFFERENCES below, which the card repeats.
`--set augment=1` switches flips, rotations and zoom on.
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="figshare3",
    network="resnet50",
    weights="imagenet",
    head="average",
    trainable=10,
    pixels="backbone",
    size=224,
    crop=1,
    val=0.1,
    test=0.2,
    block=20,
    augment=0,
    flip=0.5,
    rotate=12,
    zoom=0.1,
    shift=0.05,
    class_weights=1,
    optimizer="adam",
    rate=1e-4,
    schedule="plateau",
    dropout=0.5,
    epochs=40,
    patience=10,
)

PUBLISHED = "F1 over 0.97 on random slices (seed 003)"
SAME = (
    "ResNet50 with ImageNet's weights, a chosen number of its layers trained",
    "the rate is cut where validation stands still; early stopping",
    "no augmentation, which made theirs much worse",
    "figshare's three classes",
)
DIFFERENCES = (
    "blocks of 20 neighbouring numbers stay together; theirs divides slices at random, one patient on both sides",
    "10 trainable layers (the last block), 224 pixels as the weights expect, head crop: their text does not say",
    "mean of the map, class weights, dropout 0.5, Adam at 1e-4, batches of 32, 40 epochs at most: as above",
)
