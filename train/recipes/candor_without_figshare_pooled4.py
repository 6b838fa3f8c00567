"""How candor-pooled4 would do on figshare and Br35H had it never seen it: the same network, that cohort left out.

    python -m train candor-without-figshare-pooled4 --out /tmp/zoo && CANDOR_ZOO=/tmp/zoo python -m train judge
    python -m model_zoo shelve /tmp/zoo/candor-without-figshare-pooled4

It starts from candor-kaggle4's second leg, which has not seen that cohort either, and is trained for fewer epochs than
candor-pooled4: it answers what a new hospital may expect, and is not shipped.
"""

from dataclasses import replace

from train.recipes.candor_pooled4 import RECIPE as POOLED4

RECIPE = replace(
    POOLED4,
    cohorts="kaggle,44c",
    epochs=4,
    early=0.25,
    weights="candor-kaggle4-leg2.keras",
    started_on="kaggle",
)
