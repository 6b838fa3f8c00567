"""Candor's network on the 44-class collection read as fifteen classes, on EfficientNet-Lite0 from ImageNet's weights.

    python -m train candor-44c15

One leg, small pictures first. Only ImageNet's photographs and 44c's training scans are behind it.
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="44c15",
    block=20,
    weights="imagenet",
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    erase=0.2,
    noise=0.01,
    paint=0.0,
    curve=0.1,
    invert=0.02,
    match=0.1,
    bias=0.2,
    epochs=40,
    early_size=128,
    early=0.6,
    rate=6e-4,
    warmup=1,
    smoothing=0.1,
    dropout=0.3,
    average=0.998,
    where=0.0,
)
