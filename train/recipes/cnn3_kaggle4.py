"""The published three-block CNN on the Kaggle four-class set, trained as well as it can be.

python -m train cnn3-kaggle4
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="kaggle4",
    network="cnn3",
    size=150,
    crop=1,
    rotate=12,
    zoom=0.12,
    shift=0.05,
    contrast=0.2,
    brightness=0.05,
    epochs=60,
    patience=0,
    decay=0.02,
    smoothing=0.05,
)
