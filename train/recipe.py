"""Recipes: every choice of a training run, in fields that the command line can change."""

import importlib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from datasets.cohorts import COHORTS, chosen_cohorts
from scans import InputSpec

_WORDS = {
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "plateau", "constant"),
    "pixels": ("backbone", "unit"),
    "head": ("average", "average-dense", "pool4-flatten"),
}


@dataclass(frozen=True)
class Recipe:
    """The choices of one run. Fields are str, int or float only, so that `--set` can convert them."""

    task: str
    network: str  # a key of train.networks.NETWORKS
    # --- input
    size: int = 150  # pixels, height and width of the model's square
    channels: int = 3
    crop: int = 1  # 1: crop to the head, 0: the whole picture
    # --- data
    val: float = 0.1  # share of all scans that chooses the model
    test: float = 0.2  # share of all scans that tests it, where the publisher has no test split
    split_seed: int = 0  # another division of the scans, where the publisher has none
    block: int = 0  # running numbers kept together as one patient, where a set has them (figshare) and no patients
    cohorts: str = "all"  # of a pooled task, the collections that are trained on, with commas
    limit: int = 0  # at most so many scans per split and class, for a smoke run; 0: all
    # --- augmentation, each drawn anew for every scan and epoch; 0 switches it off
    augment: int = 1  # 0 switches off all of it
    flip: float = 0.5  # probability of a left-right mirror image
    rotate: float = 0.0  # degrees either way
    shift: float = 0.0  # of the side, either way
    zoom: float = 0.0  # 0.1: scaled by 0.9 to 1.1
    squash: float = 0.0  # 0.1: width over height changed by 0.9 to 1.1
    shear: float = 0.0  # degrees either way
    contrast: float = 0.0  # 0.2: gain of 0.8 to 1.2 about the mean, and gamma of the same range
    brightness: float = 0.0  # added to pixels in [0, 1], either way
    noise: float = 0.0  # standard deviation, pixels in [0, 1]
    erase: float = 0.0  # probability of blacking out one random rectangle
    paint: float = 0.0  # probability of drawing a lesion on a healthy scan, which then has the lesion's class
    mix: float = 0.0  # mixup: scans blended with another of their batch, in shares from Beta(mix, mix), labels alike
    # --- imitation of other sequences and scanners, each a probability
    curve: float = 0.0  # a random tone curve, falling as well as rising: another contrast between tissues
    invert: float = 0.0  # bright tissue dark and dark tissue bright, the air left black
    match: float = 0.0  # the grey values of another training scan
    filter: float = 0.0  # passed through two layers of random small convolutions: another texture and contrast
    fourier: float = 0.0  # the coarse amplitudes of another training scan's spectrum: its contrast and shading
    bias: float = 0.0  # a smooth shading across the picture, as from a surface coil
    blur: float = 0.0  # softened, or coarsened and enlarged again
    jpeg: float = 0.0  # saved again as JPEG of quality 30 to 95
    # --- optimisation
    epochs: int = 40
    patience: int = 12  # epochs without a better validation score before stopping; 0: never stop
    batch: int = 32
    whole_batches: int = 0  # 1: an epoch of scans ends before a last, smaller batch: JAX would compile for it
    early_size: int = 0  # pixels: side of the training pictures in the first epochs, which cost less; 0: `size`
    early: float = 0.0  # share of the epochs that are trained at `early_size`; the last epoch never is
    optimizer: str = "adamw"  # "adamw" or "adam"
    rate: float = 1e-3  # peak learning rate
    schedule: str = "cosine"  # "cosine" to zero, "plateau" (a fifth after 3 epochs without gain) or "constant"
    warmup: float = 1.0  # epochs, with "cosine"
    decay: float = 0.01  # AdamW weight decay
    l2: float = 0.0  # penalty on the kernels of the head or of a plain CNN
    average: float = 0.0  # momentum of averaged weights, which are then what is kept; 0: the last ones
    class_weights: int = 0  # 1: every class weighs the same in the loss, however rare; with `mix` nearly the same
    smoothing: float = 0.0  # label smoothing
    dropout: float = 0.5
    where: float = 0.0  # weight of the second loss: where the lesion is, from the data's boxes
    look: float = 0.0  # weight of the third: how much of the evidence for the true class lies in the lesion
    cell: int = 8  # of Candor's network: pixels per cell of its last feature map, 8 or 4
    teacher: str = ""  # models of the zoo, with commas, trained on the same scans: their mean is part of the truth
    teach: float = 0.5  # its share in the truth, where there is a teacher; the rest is the label
    # --- transfer learning
    weights: str = "none"  # "imagenet", "none", or a file: its path, or its name in train/weights
    pixels: str = "backbone"  # input of a backbone: "backbone", as its weights expect, or "unit", [0, 1]
    started_on: str = ""  # cohorts behind the initial weights, with commas; their scans count as trained on
    head: str = "average"  # of a backbone: mean of its map; "average-dense"; or "pool4-flatten", means of 4 x 4 cells
    frozen_epochs: int = 0  # of `epochs`, those that train the head alone, on features computed once
    trainable: int = -1  # last layers of a backbone that are trained after that; -1: all
    precision: str = "auto"  # "auto": mixed_bfloat16 where it is faster, else float32
    seed: int = 0
    # --- what is scored at the end; "val" keeps the test set shut while choices are still being made
    evaluate: str = "val,test"

    def __post_init__(self) -> None:
        for name in ("val", "test"):
            if not 0 < getattr(self, name) <= 0.5:
                raise ValueError(
                    f"{name}={getattr(self, name):g} is not a share of the scans; it must be above 0 and at most 0.5"
                )
        for name in ("size", "channels", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is too small; it must be 1 or more")
        if not 0 <= self.early < 1:
            raise ValueError(f"early={self.early:g} is not a share of the epochs; it must be 0 or more and below 1")
        if self.early and not self.early_size:
            raise ValueError(f"early={self.early:g} needs early_size, the side of the first epochs' pictures in pixels")
        if self.cell not in (4, 8):
            raise ValueError(f"cell={self.cell} is not a cell size; it must be 4 or 8")
        if self.look and (not self.where or self.mix):
            raise ValueError(f"look={self.look:g} needs where, and mix=0: a blend of two scans has no single class")
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown; it must be {' or '.join(words)}")
        if unknown := set(self.evaluate.split(",")) - {"val", "test"}:
            raise ValueError(f"evaluate={unknown.pop()!r} is not a split; it must be val, test or both with a comma")

    @property
    def spec(self) -> InputSpec:
        """The model's input; pixels are given in [0, 1]."""
        return InputSpec(self.size, self.size, self.channels, (0.0, 1.0), bool(self.crop))

    @property
    def division(self) -> dict[str, float]:
        """How the scans are split, as `datasets.cohorts.split_cohorts` takes it."""
        return {"val": self.val, "test": self.test, "seed": self.split_seed, "block": self.block}


RECIPES_FOLDER = Path(__file__).parent / "recipes"


def recipe_ids() -> list[str]:
    """Return the ids of all recipes: the files in `train/recipes/`, with hyphens."""
    return sorted(p.stem.replace("_", "-") for p in RECIPES_FOLDER.glob("*.py") if not p.stem.startswith("_"))


def find_recipe(recipe_id: str) -> tuple[Recipe, str]:
    """Return a recipe and its lab notebook (the file's docstring). Raises ValueError listing what exists."""
    if recipe_id not in recipe_ids():
        raise ValueError(f"no recipe {recipe_id!r}; train/recipes has {', '.join(recipe_ids())}")
    module = importlib.import_module(f"train.recipes.{recipe_id.replace('-', '_')}")
    return module.RECIPE, module.__doc__ or ""


def recipe_of(choices: dict[str, str | int | float]) -> Recipe:
    """Return the recipe that a card was made with; fields that it lacks have their defaults."""
    names = {field.name for field in fields(Recipe)}
    return Recipe(**{name: value for name, value in choices.items() if name in names})


def published(recipe_id: str, recipe: Recipe) -> dict[str, str | tuple[str, ...]]:
    """Return what the card says of a published system: the authors' score, what is the same here, what differs.

    A recipe's file names them, as PUBLISHED, SAME and DIFFERENCES; what the run changed in the recipe is added to the
    last. Of our own systems all are empty.
    """
    none = {"published": "", "same": (), "differences": ()}
    if recipe_id not in recipe_ids():
        return none
    module = importlib.import_module(f"train.recipes.{recipe_id.replace('-', '_')}")
    theirs = getattr(module, "PUBLISHED", "")
    if not theirs:
        return none
    ignored = ("evaluate", "precision", "seed")
    run = [
        f"{field.name} is {getattr(recipe, field.name)}, not {getattr(module.RECIPE, field.name)}"
        for field in fields(Recipe)
        if field.name not in ignored and getattr(recipe, field.name) != getattr(module.RECIPE, field.name)
    ]
    return {"published": theirs, "same": module.SAME, "differences": (*module.DIFFERENCES, *run)}


def changed(recipe: Recipe, settings: list[str]) -> Recipe:
    """Return the recipe with `field=value` settings applied. Raises ValueError on an unknown field or value."""
    types = {field.name: field.type for field in fields(Recipe)}
    changes = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in types:
            raise ValueError(f"cannot set {setting!r}; write field=value with one of {', '.join(types)}")
        try:
            changes[name] = types[name](text)
        except ValueError:
            raise ValueError(f"{name} takes {types[name].__name__}; {text!r} is not one") from None
    return replace(recipe, **changes)


def trained_on(recipe: Recipe) -> tuple[str, ...]:
    """Return the cohorts whose training scans a recipe uses, those behind its initial weights included."""
    if recipe.task.startswith("pooled"):
        own = tuple(chosen_cohorts(recipe.cohorts))
    else:
        own = tuple(name for name, cohort in COHORTS.items() if cohort.task == recipe.task and name != "br35h")
    return tuple(dict.fromkeys([*own, *(name.strip() for name in recipe.started_on.split(",") if name.strip())]))
