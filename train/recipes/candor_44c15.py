"""Candor's network on the 44-class collection read as fifteen classes, started from candor-pooled13.

    python -m train candor-44c15

The start has seen the same training scans of 44c, never its validation or test scans: every task divides a
collection alike.
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="44c15",
    block=20,
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    noise=0.01,
    curve=0.05,
    invert=0.0,
    match=0.05,
    bias=0.15,
    blur=0.1,
    jpeg=0.1,
    epochs=40,
    rate=1e-3,
    weights="candor-44c15.keras",
    started_on="figshare,br35h,44c",
)
