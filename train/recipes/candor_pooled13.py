"""Initial weights of Candor's other models: figshare, Br35H and 44c together, thirteen classes, never the Kaggle set.

    python -m train candor-pooled13 --out runs
    mkdir -p train/weights
    cp runs/candor-pooled13/model.keras train/weights/candor-pooled13.keras

44c's four glioma kinds are one class with figshare's gliomas, its other tumours classes of their own. The
Kaggle set stays out because it holds figshare's slices mirrored: a figshare model must not build on it.
The gate is trained on the place of figshare's tumours, and on healthy scans, which have none.
"""

from dataclasses import replace

from train.recipes.candor_scratch_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="pooled13",
    cohorts="figshare,br35h,44c",
    block=20,
    curve=0.2,
    invert=0.08,
    match=0.2,
    bias=0.25,
    blur=0.2,
    jpeg=0.15,
    paint=0.0,
    dropout=0.2,
    epochs=28,
    early=0.75,
    rate=1e-3,
    warmup=2,
    where=0.5,
    weights="none",
)
