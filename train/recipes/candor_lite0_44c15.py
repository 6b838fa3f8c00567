"""First leg of candor-44c15: EfficientNet-Lite0, from what it learnt of four classes in every collection.

    python -m train candor-lite0-44c15 --out runs
    mkdir -p train/weights
    cp runs/candor-lite0-44c15/model.keras train/weights/candor-lite0-44c15.keras

Its initial weights are those of candor-lite0-pooled4, which used the training scans of 44c and the other collections,
without near-duplicates of 44c's validation and test scans: every task splits a collection in the same way.

Validation accuracy 0.895, best at epoch 24 of 24; from ImageNet's weights, with twice the epochs begun at 128 pixels,
0.870 after 32 of 40. No test set was opened.
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="44c15",
    block=20,
    weights="candor-lite0-pooled4.keras",
    started_on="kaggle,figshare,br35h,44c",
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    erase=0.2,
    noise=0.01,
    paint=0.0,
    curve=0.1,
    invert=0.02,
    match=0.1,
    bias=0.2,
    epochs=24,
    early_size=160,
    early=0.5,
    rate=5e-4,
    warmup=1,
    smoothing=0.1,
    dropout=0.2,
    average=0.998,
    where=0.0,
)
