"""Candor's own trunk on the 44-class collection read as fifteen classes, in two legs, before candor-44c15.

    python -m train candor-scratch-44c15

Its initial weights are those of a first leg, as train/weights/candor-scratch-44c15-leg1.keras:

    leg 1   --set weights=candor-pooled13.keras --set epochs=40 --set early=0 --set rate=1e-3
            --set smoothing=0.05 --set erase=0.1 --set blur=0.1

Both legs used the training scans of 44c, never its validation or test scans: every task splits a collection in the same
way.

Validation accuracy, by group: 0.864 after the first leg, 0.905 after this one. A third leg with mixup
(`mix=0.2`, 30 epochs) fell to 0.880 and was dropped. The T2 scans are the weak ones, as the card shows.
"""

from dataclasses import replace

from train.recipes.candor_scratch_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="44c15",
    block=20,
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    erase=0.2,
    noise=0.01,
    curve=0.05,
    invert=0.0,
    match=0.05,
    bias=0.15,
    blur=0.15,
    jpeg=0.1,
    paint=0.0,
    epochs=50,
    early=0.4,
    rate=7e-4,
    smoothing=0.1,
    dropout=0.2,
    where=0.0,
    weights="candor-scratch-44c15-leg1.keras",
    started_on="figshare,br35h,44c",
)
