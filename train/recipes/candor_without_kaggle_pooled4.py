"""How candor-pooled4 would do on the Kaggle set had it never seen it: the same network, that cohort left out.

    python -m train candor-without-kaggle-pooled4 --out /tmp/zoo && CANDOR_ZOO=/tmp/zoo python -m train judge
    python -m model_zoo shelve /tmp/zoo/candor-without-kaggle-pooled4

It starts from candor-pooled13, which has not seen that cohort either, and is trained for fewer epochs than
candor-pooled4: it answers what a new hospital may expect, and is not shipped.
"""

from dataclasses import replace

from train.recipes.candor_pooled4 import RECIPE as POOLED4

RECIPE = replace(
    POOLED4,
    cohorts="figshare,br35h,44c",
    epochs=4,
    early=0.25,
    weights="candor-pooled13.keras",
    started_on="figshare,br35h,44c",
)
