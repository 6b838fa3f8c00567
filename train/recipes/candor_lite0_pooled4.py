"""First leg of candor-pooled4: EfficientNet-Lite0 from ImageNet's weights, told where the tumours of figshare lie.

    python -m train candor-lite0-pooled4 --out runs
    mkdir -p train/weights
    cp runs/candor-lite0-pooled4/model.keras train/weights/candor-lite0-pooled4.keras

It starts from ImageNet's weights, not from candor-kaggle4: that was trained on mirrored copies of figshare's test
scans, which the pool leaves out. Boxes of figshare's slices, and of their near-duplicates in the Kaggle set, train the
gate and the place of the evidence.

Validation accuracy 0.953 after 20 of these 24 epochs, where the run was stopped, and rising by 0.002 an epoch; after 14
epochs of 128 px it was 0.885, and it rose to 0.927 in the first of 192 px. No test set was opened.
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="pooled4",
    block=20,
    weights="imagenet",
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    noise=0.01,
    erase=0.15,
    paint=0.0,
    curve=0.2,
    invert=0.06,
    match=0.2,
    bias=0.2,
    blur=0.15,
    epochs=24,
    early_size=128,
    early=0.6,
    rate=4e-4,
    warmup=1,
    dropout=0.2,
    where=0.5,
    look=0.2,
)
