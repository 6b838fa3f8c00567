"""Candor's network on the Kaggle four-class set alone.

python -m train candor-kaggle4
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="kaggle4",
    network="candor",
    size=160,
    channels=1,
    crop=1,
    rotate=15,
    zoom=0.15,
    shift=0.06,
    squash=0.12,
    shear=5,
    contrast=0.25,
    brightness=0.05,
    noise=0.02,
    erase=0.1,
    curve=0.2,
    invert=0.08,
    match=0.2,
    bias=0.25,
    blur=0.2,
    jpeg=0.15,
    batch=16,
    epochs=44,
    patience=0,
    early_size=112,
    early=0.75,
    rate=1e-3,
    warmup=2,
    decay=0.05,
    smoothing=0.05,
    dropout=0.2,
    average=0.999,
)
