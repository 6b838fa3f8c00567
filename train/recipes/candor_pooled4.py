"""Candor's network on every collection's training part, four classes: the app's default.

    python -m train candor-pooled4

It goes on from train/starts/candor-pooled4.keras: this recipe with `--set weights=candor-pooled13.keras`, which
reached 0.945 in validation. With a cohort left out: candor-without-44c-pooled4, candor-without-kaggle-pooled4,
candor-without-figshare-pooled4.
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="pooled4",
    block=20,
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    noise=0.01,
    curve=0.1,
    invert=0.03,
    match=0.1,
    bias=0.15,
    blur=0.1,
    jpeg=0.1,
    epochs=14,
    rate=8e-4,
    where=0.5,
    weights="candor-pooled4.keras",
    started_on="kaggle,figshare,br35h,44c",
)
