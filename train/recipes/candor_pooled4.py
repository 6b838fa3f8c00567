"""Candor's network on every collection's training part, four classes, on EfficientNet-Lite0, in two legs.

    python -m train candor-pooled4

Its initial weights are those of the first leg, candor-lite0-pooled4. This leg sees larger pictures and less imitation
of other scanners, and asks for more of the evidence within the lesion. Validation accuracy 0.961 (0.960 as shipped),
best at epoch 12 of 16 and 0.958 to 0.960 in the epochs after it; candor-scratch-pooled4, the model before, three legs
from random weights, has 0.955.

Seed 1: validation accuracy 0.956 (0.955 as saved), best at epoch 14, after a first leg of 0.952. On all test scans
both seeds have 0.960, on 44c seed 1 has 0.903 instead of 0.911 (`seeds.csv`). Choosing the better of the two by their
validation scans would have chosen seed 0.

A leg towards the mean probabilities of this model and candor-scratch-pooled4 (`teach=0.7`, `batch=32`, 24 epochs at 192
pixels) reached 0.960 of the validation scans: not taken, and no test set was opened.
"""

from dataclasses import replace

from train.recipes.candor_lite0_pooled4 import RECIPE as FIRST_LEG

RECIPE = replace(
    FIRST_LEG,
    weights="candor-lite0-pooled4.keras",
    size=192,
    curve=0.15,
    invert=0.05,
    match=0.15,
    epochs=16,
    early_size=160,
    early=0.4,
    rate=3e-4,
    warmup=0.5,
    dropout=0.1,
    average=0.999,
    look=0.3,
)
