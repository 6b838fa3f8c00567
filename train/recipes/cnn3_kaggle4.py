"""The published three-block CNN on the Kaggle four-class set, trained as well as it can be.

python -m train cnn3-kaggle4
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="kaggle4",
    network="cnn3",
    size=150,
    crop=1,
    rotate=20,
    zoom=0.2,
    shift=0.08,
    contrast=0.3,
    brightness=0.1,
    epochs=60,
    patience=0,
    decay=0.05,
    smoothing=0.05,
)
