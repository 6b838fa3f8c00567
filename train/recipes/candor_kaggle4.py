"""Candor's network on the Kaggle four-class set alone, in two legs.

    python -m train candor-kaggle4

It goes on from train/starts/candor-kaggle4.keras with a fresh, lower learning rate. That start is the first leg, made
with `--set weights=none --set epochs=44 --set early=0.75 --set rate=1e-3 --set warmup=2`: small pictures for three
quarters of the epochs cost a half of large ones. It reached 0.962 in validation (epoch 44), where 44c's validation
scans, never seen, gave a balanced accuracy of 0.42: most of its errors there call a tumour healthy.
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
    epochs=20,
    patience=0,
    early_size=112,
    early=0.0,
    rate=6e-4,
    warmup=0.5,
    decay=0.05,
    smoothing=0.05,
    dropout=0.2,
    average=0.999,
    weights="candor-kaggle4.keras",
)
