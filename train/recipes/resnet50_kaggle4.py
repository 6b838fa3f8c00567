"""The published ResNet50 (seed 004) on the Kaggle four-class set: theirs 0.6926 on the official test split.

    python -m train resnet50-kaggle4                                # ImageNet weights, downloaded
    python -m train resnet50-kaggle4 --set weights=FILE             # a local .h5 (notop) or .keras of a ResNet50
    python -m train resnet50-kaggle4 --set weights=none --set size=64 --set limit=8 --set epochs=1 --out /tmp/zoo

Published: accuracy 0.6926 on 1,311 test scans, with near-duplicates; glioma precision 0.54 and recall 0.79, meningioma
0.59 and 0.35, no tumour 0.80 and 0.93, pituitary 0.87 and 0.63. 23.85 M weights, 9.19 M trainable, 14.65 M not.

What is the same and what differs: SAME and DIFFERENCES below, which the card repeats.
ImageNet's weights expect blue first and means taken off, which [0, 1] is not: `--set pixels=backbone` does so, and
may well be why theirs is low.
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="kaggle4",
    network="resnet50",
    weights="imagenet",
    head="average-dense",
    trainable=20,
    pixels="unit",
    size=256,
    crop=1,
    flip=0.5,
    rotate=30,
    shift=0.2,
    zoom=0.2,
    shear=10,
    class_weights=1,
    optimizer="adam",
    rate=1e-4,
    schedule="constant",
    dropout=0.5,
    epochs=30,
    patience=8,
)

PUBLISHED = "accuracy 0.6926 on the official test split, with near-duplicates (seed 004)"
SAME = (
    "the scan cropped to the head, 256 x 256 pixels in [0, 1] as the input of ResNet50 with ImageNet's weights",
    "rotation to 30 degrees, shifts to 20 %, zoom, shear, left-right flips",
    "mean of the map, dense ReLU layer, dropout: 23,850,500 weights; the last 20 layers trained",
    "9,194,116 weights trainable and 14,656,384 not",
    "class weights, Adam at 1e-4",
    "the official test split",
)
DIFFERENCES = (
    "zoom 0.2, shear 10 degrees, dropout 0.5, 30 epochs and batches of 32 are ours: their text does not say",
    "the dense layer's 128 units are not in their text, but only they give its three numbers of weights",
    "the best epoch is chosen on a tenth of the training scans that shares no near-duplicate with the rest",
    "the head is found by our own code",
)
