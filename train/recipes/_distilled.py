"""What the recipes that distil a published deep system share: the start, the augmentation and the optimiser."""

from dataclasses import replace

from train.recipe import Recipe

RATE = "AdamW at 1e-3 falling to 0"
SHARED = (
    "random initial weights, every layer trained; theirs has ImageNet's weights",
    "averaged weights, dropout 0.3, batches of 32 and the number of epochs are ours",
    "flips, rotation to 15 degrees, shifts to 8 %, changes of contrast",
)
TAUGHT = "half of what it is trained towards are the probabilities of our own model of the same scans"
TAUGHT_MORE = "four fifths of what it is trained towards are the probabilities of our own model of the same scans"
BLENDED = "scans blended with each other (mixup 0.3), a rectangle blacked out in a fifth of them"


def distilled(theirs: Recipe, **choices) -> Recipe:
    """Return the recipe of a published system from random weights, taught by `teacher`, which `choices` name."""
    shared = {
        "weights": "none",
        "frozen_epochs": 0,
        "trainable": -1,
        "augment": 1,
        "flip": 0.5,
        "rotate": 15,
        "shift": 0.08,
        "contrast": 0.2,
        "optimizer": "adamw",
        "rate": 1e-3,
        "schedule": "cosine",
        "decay": 0.02,
        "average": 0.998,
        "dropout": 0.3,
        "patience": 0,
        "whole_batches": 1,
    }
    return replace(theirs, **shared | choices)
