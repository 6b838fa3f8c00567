"""Candor's network on every collection's training part, four classes: the app's default.

    python -m train candor-pooled13
    python -m train candor-pooled4
    python -m train candor-pooled4 --set cohorts=kaggle,figshare,br35h --set weights=none --out /tmp/without-44c
"""

from dataclasses import replace

from train.recipes.candor_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="pooled4",
    block=20,
    epochs=14,
    early=0.35,
    rate=7e-4,
    where=0.5,
    weights="model_zoo/candor-pooled13/model.keras",
    started_on="figshare,br35h,44c",
)
