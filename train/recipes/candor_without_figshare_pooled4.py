"""candor-scratch-pooled4 trained without figshare and Br35H: its external validation on that cohort.

    python -m train candor-without-figshare-pooled4 --out /tmp/zoo && CANDOR_ZOO=/tmp/zoo python -m train judge
    python -m model_zoo shelve /tmp/zoo/candor-without-figshare-pooled4

Its initial weights are those of candor-kaggle4's second leg, which was not trained on that cohort either. It is
trained for fewer epochs than candor-scratch-pooled4. It estimates the accuracy in a new hospital, and is not shipped.
"""

from dataclasses import replace

from train.recipes.candor_scratch_pooled4 import RECIPE as POOLED4

RECIPE = replace(
    POOLED4,
    cohorts="kaggle,44c",
    epochs=4,
    early=0.25,
    weights="candor-kaggle4-leg2.keras",
    started_on="kaggle",
)
