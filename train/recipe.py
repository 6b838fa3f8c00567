"""What is a recipe? Every choice of a training run, in fields that the command line can change."""

import importlib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from scans import InputSpec


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
    test: float = 0.2  # share of all scans that judges it, where the publisher has no test split
    block: int = 0  # running numbers kept together as one patient, where patients are unknown
    limit: int = 0  # at most so many scans a split and class, for a smoke run; 0: all
    # --- augmentation, each drawn anew for every scan and epoch; 0 switches it off
    flip: float = 0.5  # probability of a left-right mirror image
    rotate: float = 0.0  # degrees either way
    shift: float = 0.0  # of the side, either way
    zoom: float = 0.0  # 0.1: scaled by 0.9 to 1.1
    contrast: float = 0.0  # 0.2: gain of 0.8 to 1.2 about the mean, and gamma of the same range
    brightness: float = 0.0  # added to pixels in [0, 1], either way
    noise: float = 0.0  # standard deviation, pixels in [0, 1]
    erase: float = 0.0  # probability of blacking out one random rectangle
    # --- optimisation
    epochs: int = 40
    patience: int = 12  # epochs without a better validation score before stopping; 0: never stop
    batch: int = 32
    rate: float = 1e-3  # peak learning rate; cosine decay to zero after the warm-up
    warmup: float = 1.0  # epochs
    decay: float = 0.01  # AdamW weight decay
    smoothing: float = 0.0  # label smoothing
    dropout: float = 0.5
    precision: str = "auto"  # "auto": mixed_bfloat16 where the processor multiplies bfloat16, else float32
    seed: int = 0
    # --- what is scored at the end; "val" keeps the test set shut while choices are still being made
    evaluate: str = "val,test"

    def __post_init__(self) -> None:
        for name in ("val", "test"):
            if not 0 < getattr(self, name) <= 0.5:
                raise ValueError(
                    f"{name}={getattr(self, name):g} is no share of the scans; it takes more than 0, up to 0.5"
                )
        for name in ("size", "channels", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is too small; it takes 1 or more")
        if unknown := set(self.evaluate.split(",")) - {"val", "test"}:
            raise ValueError(f"evaluate={unknown.pop()!r} is no split; it takes val, test or both with a comma")

    @property
    def spec(self) -> InputSpec:
        """The model's input; pixels are given in [0, 1]."""
        return InputSpec(self.size, self.size, self.channels, (0.0, 1.0), bool(self.crop))


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


def changed(recipe: Recipe, settings: list[str]) -> Recipe:
    """Return the recipe with `field=value` settings applied. Raises ValueError on an unknown field or value."""
    known = {field.name: field.type for field in fields(Recipe)}
    changes = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            raise ValueError(f"cannot set {setting!r}; write field=value with one of {', '.join(known)}")
        try:
            changes[name] = known[name](text)
        except ValueError:
            raise ValueError(f"{name} takes {known[name].__name__}; {text!r} is not one") from None
    return replace(recipe, **changes)
