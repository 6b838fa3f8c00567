"""Initial weights of the ResNet50 systems without ImageNet: figshare, Br35H and 44c, thirteen classes.

    python -m train resnet50-pooled13 --out /tmp/zoo
    python -m train resnet50-kaggle4 --set weights=/tmp/zoo/resnet50-pooled13/model.keras \
        --set started_on=figshare,br35h,44c --set size=80

From random weights, every layer trained, at 80 pixels for a few epochs: feasible on two processor cores. It uses no
validation or test scan of these three collections, nor a near-duplicate of one. The Kaggle set stays out because it
holds figshare's slices mirrored; its test scans with a near-duplicate here are marked on the cards of the models
that build on these weights. It is not shipped.
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="pooled13",
    cohorts="figshare,br35h,44c",
    network="resnet50",
    weights="none",
    head="average",
    pixels="unit",
    size=80,
    crop=1,
    block=20,
    flip=0.5,
    rotate=12,
    zoom=0.12,
    shift=0.05,
    contrast=0.2,
    optimizer="adamw",
    rate=1e-3,
    warmup=0.5,
    decay=0.02,
    smoothing=0.05,
    dropout=0.2,
    average=0.99,
    batch=32,
    epochs=4,
    patience=0,
)
