"""First leg of candor-figshare3: EfficientNet-Lite0 from ImageNet's weights, told where the tumours are.

    python -m train candor-lite0-figshare3 --out runs
    mkdir -p train/weights
    cp runs/candor-lite0-figshare3/model.keras train/weights/candor-lite0-figshare3.keras

Groups are blocks of twenty neighbouring numbers (patients where their ids are known). Neither this recipe nor
its initial weights, ImageNet's, used the Kaggle set, which holds figshare's slices mirrored.

Validation accuracy 0.966, best at epoch 31 of 40 and the same from epoch 21 on; candor-scratch-figshare3 has 0.977. No
test set was opened.
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="figshare3",
    block=20,
    weights="imagenet",
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    erase=0.2,
    noise=0.01,
    paint=0.0,
    curve=0.15,
    invert=0.0,
    match=0.15,
    bias=0.15,
    blur=0.1,
    size=160,
    epochs=40,
    early_size=128,
    early=0.5,
    rate=5e-4,
    warmup=1,
    dropout=0.3,
    average=0.998,
    where=0.5,
    look=0.3,
    cell=4,
)
