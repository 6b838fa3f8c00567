"""A teacher: a model whose probabilities for the picture at hand are part of what a network is trained towards.

Knowledge distillation (Hinton et al. 2015, https://arxiv.org/abs/1503.02531): the teacher sees each augmented picture
as the network does, so that it also says how sure a blurred or relit one leaves it. A teacher must not know what is
held out: it was trained on the same task, divided in the same way. One that was trained on heads cropped from the
picture can teach a network that is trained on the whole picture: it finds the head in each.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from model_zoo import Model, load_model
from model_zoo.zoo import load_measured, measured_models
from scans import Scan, fit
from scans.head import Box
from train.recipe import Recipe, recipe_of, trained_on

Teacher = Callable[[np.ndarray], np.ndarray]  # pixels, float32 (B, h, w) in [0, 1] -> probabilities, float32 (B, K)


def teacher_of(recipe: Recipe, classes: Sequence[str]) -> Teacher | None:
    """Return the teacher of a recipe, None without one; several teachers, with commas, give their mean.

    A name is that of a model of the zoo, or of one in `measured/` that has its weights. Raises ModelError where
    there is no such model, and ValueError where it does not fit the recipe.
    """
    names = [name.strip() for name in recipe.teacher.split(",") if name.strip()]
    teachers = [_teacher(name, recipe, classes) for name in names]
    return (lambda pixels: np.mean([each(pixels) for each in teachers], axis=0)) if teachers else None


def load_teacher(name: str) -> Model:
    """Return a model of the zoo, or one in `measured/` that has its weights. Raises ModelError where there is none."""
    return (load_measured if name in measured_models() else load_model)(name)


def _teacher(name: str, recipe: Recipe, classes: Sequence[str]) -> Teacher:
    model = load_teacher(name)
    theirs, spec = recipe_of(model.card.recipe), model.card.input
    unknown = set(trained_on(theirs)) - set(trained_on(recipe))
    pool, own = (trained_on(replace(each, started_on="")) for each in (theirs, recipe))
    lacking = set(own) - set(pool)  # a pool leaves out what resembles the held-out scans of its own cohorts alone
    reason = {
        f"it has other classes than {recipe.task}": tuple(model.card.classes) != tuple(classes),
        f"it was trained on {theirs.task}, not {recipe.task}": theirs.task != recipe.task,
        "its scans were divided in another way (val, test, split_seed or block)": theirs.division != recipe.division,
        f"its pool was without {', '.join(sorted(lacking))}, so that it may know scans that resemble test scans of "
        "these; take a teacher of the same cohorts": bool(lacking),
        f"it was also trained on {', '.join(sorted(unknown))}; name that in started_on": bool(unknown),
        "it was trained on whole pictures; set crop=0": bool(recipe.crop) and not spec.crop,
    }
    if wrong := [text for text, is_so in reason.items() if is_so]:
        raise ValueError(f"teacher={name} does not fit the recipe: {wrong[0]}")
    cropped_already = spec.crop and bool(recipe.crop)

    def probabilities(pixels: np.ndarray) -> np.ndarray:
        whole = Box(0, 0, *pixels.shape[1:])
        inputs = [fit(Scan(picture, ""), spec, whole if cropped_already else None)[0] for picture in pixels]
        return model.predict(np.stack(inputs))

    return probabilities
