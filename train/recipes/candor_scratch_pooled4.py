"""Candor's own trunk on every collection's training part, four classes, before candor-pooled4.

    python -m train candor-scratch-pooled4

Its initial weights, for the third leg, are those of the second, as train/weights/candor-pooled4-leg2.keras:

    leg 1   leg 2's settings, with --set weights=candor-pooled13.keras --set epochs=14 --set early=0
            --set paint=0
    leg 2   --set weights=(leg 1) --set epochs=16 --set early=0.35 --set paint=0.15 --set dropout=0.2   0.933
            --set curve=0.1 --set invert=0.03 --set match=0.1 --set bias=0.15, the last epoch
    leg 3   this recipe, epoch 11 of 18                                                                 0.955

The numbers are the validation accuracy over all collections. Leg 1 was trained before further near-duplicates of
held-out scans were left out, so its accuracy does not compare. After leg 2 more healthy heads than before were
predicted as diseased, and leg 3 does without drawn lesions; other settings changed too, so the cause is uncertain.
Training accuracy ends at 0.98, and validation did not improve after epoch 11: more epochs would not help.
With a cohort left out:
candor-without-44c-pooled4, candor-without-kaggle-pooled4, candor-without-figshare-pooled4.
"""

from dataclasses import replace

from train.recipes.candor_scratch_kaggle4 import RECIPE as KAGGLE4

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
    started_on="figshare,br35h,44c",
)
