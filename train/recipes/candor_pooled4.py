"""Candor's network on every collection's training part, four classes: the app's default.

    python -m train candor-pooled4

It goes on, for the third leg, from train/starts/candor-pooled4-leg2.keras:

    leg 1   --set weights=candor-pooled13.keras --set epochs=14 --set early=0                           0.938
    leg 2   --set weights=(leg 1) --set epochs=16 --set early=0.35 --set paint=0.15 --set dropout=0.2
            --set curve=0.1 --set invert=0.03 --set match=0.1 --set bias=0.15                           0.940
    leg 3   this recipe                                                                                 0.955

The figures are the validation accuracy over all collections: of leg 1 after the first epoch of leg 2, since it
was made before further twins of held-out scans were left out. Painting lesions on healthy scans (leg 2) made
the network call healthy heads of the same collections diseased; leg 3 does without. With a cohort left out:
candor-without-44c-pooled4, candor-without-kaggle-pooled4, candor-without-figshare-pooled4.
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="pooled4",
    block=20,
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    noise=0.01,
    curve=0.05,
    invert=0.02,
    match=0.05,
    bias=0.1,
    blur=0.1,
    jpeg=0.1,
    paint=0.0,
    epochs=18,
    rate=8e-4,
    dropout=0.1,
    where=0.5,
    weights="candor-pooled4-leg2.keras",
    started_on="kaggle,figshare,br35h,44c",
)
