"""Candor's network on the 44-class collection read as fifteen classes, in two legs.

    python -m train candor-44c15

It goes on from train/starts/candor-44c15.keras: this recipe with `--set weights=candor-pooled13.keras`, which reached
0.864 in validation. Both starts have seen the training scans of 44c, never its validation or test scans: every
task divides a collection alike. But twins are still judged at 6 bits, which misses some (README, Limits).
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
