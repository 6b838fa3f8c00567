"""The initial weights of a run: random, ImageNet's, or those of a file, layer by layer.

The scans behind them must not include what is held out now: the recipes say why theirs do not.
"""

import warnings
from pathlib import Path

import keras
import numpy as np

from train import networks
from train.backbones import BACKBONES, HEAD, backbone_layers, stock
from train.candor import LITE, StandardConv2D
from train.efficientnet_lite import fill
from train.gate.network import GATES
from train.recipe import Recipe, recipe_ids

_ON_LITE = LITE | GATES  # network of a recipe -> EfficientNet-Lite's variant, whose package has ImageNet's weights
WEIGHTS_FOLDER = Path(__file__).parent / "weights"  # what first legs made on this machine; git does not keep it


def initialised_network(recipe: Recipe, classes: int) -> keras.Model:
    """Return the recipe's training network with its initial weights.

    `recipe.weights` is "none"; a `.keras` file of a model trained before (its path, or its name in
    `WEIGHTS_FOLDER`), of which every layer of the same name and shape is taken over (a head for other classes
    keeps random weights, and a backbone's head always does); or for a backbone "imagenet", which downloads, or an
    `.h5` file of it without its top, as keras.applications saves them. Raises ValueError on a file that does not
    fit, or on settings that the network does not support.
    """
    _check(recipe)
    network = networks.build(recipe, classes, training=True)
    if recipe.weights == "none":
        return network
    if recipe.network in _ON_LITE and recipe.weights == "imagenet":
        taken = fill(network, _ON_LITE[recipe.network])
    elif recipe.network not in BACKBONES:
        taken = take_over(_opened(recipe), network)
        if not taken:
            raise _misfit(recipe, "no layer of it fits")
    else:
        taken = take_over(_backbone_source(recipe), network, anew=HEAD)
        wanted = [layer.name for layer in backbone_layers(network) if layer.weights]
        if missing := [name for name in wanted if name not in taken]:
            raise _misfit(recipe, f"{len(missing)} of {len(wanted)} layers do not fit, {missing[0]!r} first")
    print(f"initial weights of {len(taken)} layers from {recipe.weights}")
    return network


def _check(recipe: Recipe) -> None:
    """Raise ValueError on settings that the network does not support, before a scan is read."""
    only_backbones = {
        "frozen_epochs": recipe.frozen_epochs != 0,
        "trainable": recipe.trainable != -1,
        "weights": (recipe.weights == "imagenet" and recipe.network not in _ON_LITE) or recipe.weights.endswith(".h5"),
    }
    if recipe.network not in BACKBONES and any(only_backbones.values()):
        name = next(name for name, is_set in only_backbones.items() if is_set)
        raise ValueError(
            f"{name}={getattr(recipe, name)} is for a backbone of keras.applications; {recipe.network!r} is none"
        )
    if recipe.where and recipe.network not in ("candor", *LITE):
        raise ValueError(f"where={recipe.where:g} is for the networks {', '.join(('candor', *LITE))}; leave it 0")
    if recipe.early and (recipe.network == "cnn3" or recipe.head == "pool4-flatten"):
        which = "the network 'cnn3'" if recipe.network == "cnn3" else "head=pool4-flatten"
        raise ValueError(f"early={recipe.early:g} is not for {which}, which takes pictures of one size; leave it 0")
    if recipe.network.startswith("efficientnetb") and only_backbones["weights"]:
        # With weights="imagenet" Keras adds a layer that the network does not have otherwise.
        raise ValueError(f"weights={recipe.weights} is not for {recipe.network}; use efficientnetv2b0")
    if not 0 <= recipe.frozen_epochs < recipe.epochs:
        raise ValueError(
            f"frozen_epochs={recipe.frozen_epochs} must be 0 or more, and less than epochs={recipe.epochs}: "
            "at least one epoch is for the whole network"
        )


def _backbone_source(recipe: Recipe) -> keras.Model:
    """Return a model that holds the backbone's weights, its layers under the same names."""
    if recipe.weights == "imagenet":
        try:
            return stock(recipe.network, recipe.size, weights="imagenet")
        except Exception as error:  # Keras raises Exception itself where a download fails
            raise ValueError(
                f"the ImageNet weights of {recipe.network} cannot be downloaded ({_first_line(error)}); get the file "
                "elsewhere and give --set weights=FILE, or --set weights=none"
            ) from error
    if recipe.weights.endswith(".keras"):
        return _opened(recipe)
    path = _weights_file(recipe, ".h5")
    source = stock(recipe.network, recipe.size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of some layers that it passes over
            source.load_weights(path)
    except (ValueError, TypeError, OSError, KeyError, UserWarning) as error:
        raise _misfit(recipe, _first_line(error)) from error
    return source


def _opened(recipe: Recipe) -> keras.Model:
    path = _weights_file(recipe, ".keras")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise _misfit(recipe, _first_line(error)) from error


def _weights_file(recipe: Recipe, suffix: str) -> Path:
    path = Path(recipe.weights)
    if not path.is_file():
        path = WEIGHTS_FOLDER / recipe.weights
    kinds = "a .keras or .h5 file, imagenet or none" if recipe.network in BACKBONES else "a .keras file or none"
    if not path.is_file() and path.suffix == suffix == ".keras" and path.stem in recipe_ids():
        raise ValueError(
            f"weights={recipe.weights} is not there yet; `python -m train {path.stem} --out runs` makes it: make the "
            f"folder train/weights and copy runs/{path.stem}/model.keras to train/weights/{path.name}"
        )
    if not path.is_file() or path.suffix != suffix:
        raise ValueError(f"weights={recipe.weights} is not a file of weights; give {kinds}")
    return path


def _misfit(recipe: Recipe, reason: str) -> ValueError:
    notop = ", or an .h5 file of it without its top (notop)" if recipe.network in BACKBONES else ""
    return ValueError(
        f"weights={recipe.weights} does not fit the network {recipe.network!r} ({reason}); give a .keras file of a "
        f"model with that network{notop}"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


def take_over(source: keras.Model, network: keras.Model, *, anew: tuple[str, ...] = ()) -> list[str]:
    """Copy the weights of every layer of `source` that fits one of the same name; return their names.

    The layers named in `anew` keep their own.
    """
    theirs = {layer.name: layer for layer in source.layers}
    taken = []
    for layer in network.layers:
        if not layer.weights or layer.name not in theirs or layer.name in anew:
            continue
        values = theirs[layer.name].get_weights()
        if isinstance(layer, StandardConv2D) and len(values) == 2:
            values = unfolded(*values)
        if [v.shape for v in values] == [tuple(w.shape) for w in layer.weights]:
            layer.set_weights(values)
            taken.append(layer.name)
    return taken


def unfolded(kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Return kernel, bias and gamma of a `StandardConv2D` that convolves with `kernel` (h, w, in, out)."""
    fan_in = int(np.prod(kernel.shape[:3]))
    return [kernel, bias, kernel.std(axis=(0, 1, 2)) / np.sqrt(2 / fan_in)]
