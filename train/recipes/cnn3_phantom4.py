"""The three-block CNN on phantoms: a whole run in minutes, with no download and no network.

python -m train cnn3-phantom4
python -m train cnn3-phantom4 --set limit=20 --set epochs=2 --out /tmp/zoo    # a one-minute smoke run
"""

from train.recipe import Recipe

RECIPE = Recipe(task="phantom4", network="cnn3", size=96, rotate=15, zoom=0.1, shift=0.05, epochs=12, patience=4)
