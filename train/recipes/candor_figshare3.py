"""Candor's network on figshare's three tumours, on EfficientNet-Lite0, with losses on where the tumours are.

    python -m train candor-figshare3

Groups are blocks of twenty neighbouring numbers (patients where their ids are known). Its initial weights are those of
the first leg, candor-lite0-figshare3. Half of what this leg is trained towards are the probabilities of
candor-scratch-figshare3, the model before, another trunk trained on the same scans and on others. None of them used the
Kaggle set, which holds figshare's slices mirrored.

Validation accuracy 0.985, best at epoch 20 of 20; 0.966 after the first leg, 0.977 of the model before, 0.970 of the
mean of these two. It was 0.970 to 0.977 in the ten epochs at 160 pixels, and 0.977 to 0.985 in the ten at 192.

Seed 1, on a processor without AVX-512: validation accuracy 0.962, best at epoch 18, after a first leg of 0.974; macro
F1 of the test scans 0.972 instead of 0.976 (`seeds.csv`). Seed 2, on such a processor, too: 0.981, best at epoch 20,
after a first leg of 0.974; 0.979 on the test scans. With seeds 0 and 2 the second leg raised validation accuracy, with
seed 1 it lowered it: 265 validation scans are too few to tell such trainings apart (95 % intervals 0.968 to 1.000,
0.927 to 0.992 and 0.961 to 1.000).
"""

from dataclasses import replace

from train.recipes.candor_lite0_figshare3 import RECIPE as FIRST_LEG

RECIPE = replace(
    FIRST_LEG,
    weights="candor-lite0-figshare3.keras",
    started_on="br35h,44c",
    teacher="candor-scratch-figshare3",
    size=192,
    early_size=160,
    early=0.5,
    epochs=20,
    rate=3e-4,
    warmup=0.5,
    dropout=0.2,
    average=0.999,
)
