"""Losses on logits, gate and evidence; the optimiser and the learning rate."""

from collections.abc import Sequence

import keras

from model_zoo.gate import PARTS
from train.gate.network import GATES
from train.recipe import Recipe

_LITTLE = 0.1  # of a logit: evidence that is spread over the whole square before the share is taken


def compile_model(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Compile with the recipe's optimiser and schedule, and the recipe's losses on logits, gate and evidence."""
    rate = recipe.rate
    if recipe.schedule == "cosine":
        total = max(1, recipe.epochs * steps)
        warmup = min(total - 1, round(recipe.warmup * steps))
        rate = keras.optimizers.schedules.CosineDecay(
            recipe.rate / 100, total - warmup, warmup_target=recipe.rate, warmup_steps=max(1, warmup)
        )
    averaging = {"use_ema": True, "ema_momentum": recipe.average} if recipe.average else {}
    if recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate, **averaging)
    else:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.decay, **averaging)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = SmoothedCrossEntropy(recipe.smoothing)
    if recipe.network in GATES:
        model.compile(optimizer, AspectsLoss(), metrics=[AspectsAccuracy(name="accuracy")])
    elif recipe.where:
        losses, shares = {"logits": loss, "where": WhereLoss()}, {"logits": 1.0, "where": recipe.where}
        if recipe.look:
            losses["look"], shares["look"] = LookLoss(), recipe.look
        model.compile(optimizer, loss=losses, loss_weights=shares, metrics={"logits": ["accuracy"]})
    else:
        model.compile(optimizer, loss, metrics=["accuracy"])


@keras.saving.register_keras_serializable("candor")
class WhereLoss(keras.losses.Loss):
    """Cross entropy of the gate with the share of each cell that lies in the lesion, lesions counted double.

    (N, h, w, 1) logits of the gate against shares in [0, 1]; scans without an annotation have weight 0.
    """

    def __init__(self, name: str = "where") -> None:
        super().__init__(name=name)

    def call(self, y_true, y_pred):
        truth = keras.ops.cast(y_true, "float32")
        surprise = keras.ops.binary_crossentropy(truth, keras.ops.cast(y_pred, "float32"), from_logits=True)
        return keras.ops.mean(surprise * (1 + truth), axis=(1, 2, 3))

    def get_config(self) -> dict:
        return {"name": self.name}


@keras.saving.register_keras_serializable("candor")
class LookLoss(keras.losses.Loss):
    """Minus the logarithm of the share of a class's positive evidence that lies in the lesion.

    Truth is (N, h, w, K), the share of each cell that lies in the lesion, in the layer of the true class and 0
    in the others; predicted are the class maps (N, h, w, K), whose means are the logits. A scan without a
    lesion has no truth above 0 and must have weight 0.
    """

    def __init__(self, name: str = "look") -> None:
        super().__init__(name=name)

    def call(self, y_true, y_pred):
        truth = keras.ops.cast(y_true, "float32")
        mine = keras.ops.max(truth, axis=(1, 2), keepdims=True) > 0  # (N, 1, 1, K)
        evidence = keras.ops.relu(keras.ops.cast(y_pred, "float32")) * keras.ops.cast(mine, "float32")
        total = keras.ops.mean(keras.ops.sum(evidence, axis=-1), axis=(1, 2))  # the logit, but for evidence against
        inside = keras.ops.mean(keras.ops.sum(evidence * truth, axis=-1), axis=(1, 2))
        lesion = keras.ops.mean(keras.ops.sum(truth, axis=-1), axis=(1, 2))
        # An empty map counts as a uniform one: otherwise no evidence at all would have the lowest loss.
        return keras.ops.log(total + _LITTLE) - keras.ops.log(inside + _LITTLE * lesion + 1e-6)

    def get_config(self) -> dict:
        return {"name": self.name}


@keras.saving.register_keras_serializable("candor")
class AspectsLoss(keras.losses.Loss):
    """Cross entropy of each aspect of the gate, side by side in logits (B, K); one without a label counts nothing.

    Truth is float (B, K): in the part of each aspect 1 at the label, or 0 throughout where it is not known.
    """

    def __init__(self, name: str = "aspects") -> None:
        super().__init__(name=name)

    def call(self, y_true, y_pred):
        truth, logits = keras.ops.cast(y_true, "float32"), keras.ops.cast(y_pred, "float32")
        return -sum(
            keras.ops.sum(truth[:, part] * keras.ops.log_softmax(logits[:, part]), axis=-1) for part in PARTS.values()
        )

    def get_config(self) -> dict:
        return {"name": self.name}


@keras.saving.register_keras_serializable("candor")
class AspectsAccuracy(keras.metrics.Mean):
    """The share of aspects, side by side in logits (B, K), that are right, where the label is known."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth = keras.ops.cast(y_true, "float32")
        right, known = [], []
        for part in PARTS.values():
            best = keras.ops.one_hot(keras.ops.argmax(y_pred[:, part], axis=-1), part.stop - part.start)
            right.append(keras.ops.sum(truth[:, part] * best, axis=-1))
            known.append(keras.ops.sum(truth[:, part], axis=-1))
        super().update_state(keras.ops.stack(right), keras.ops.stack(known))


@keras.saving.register_keras_serializable("candor")
class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross entropy of labels on logits, with label smoothing (which Keras' sparse loss lacks).

    Labels are integers (B,), or shares of the classes (B, K), as mixup makes them.
    """

    def __init__(self, smoothing: float = 0.0, name: str = "cross_entropy") -> None:
        super().__init__(name=name)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        log_p = keras.ops.log_softmax(keras.ops.cast(y_pred, "float32"))  # (B, K)
        classes = log_p.shape[-1]
        if len(y_true.shape) == 2 and y_true.shape[-1] == classes:
            truth = keras.ops.cast(y_true, "float32")
        else:
            truth = keras.ops.one_hot(keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32"), classes)
        target = (1 - self.smoothing) * truth + self.smoothing / classes
        return -keras.ops.sum(target * log_p, axis=-1)

    def get_config(self) -> dict:
        return {"smoothing": self.smoothing, "name": self.name}


def plateau_rate(rate: float, losses: Sequence[float], patience: int = 3, factor: float = 0.2) -> float:
    """Return the rate after these validation losses: times `factor` whenever `patience` epochs brought no gain.

    As `keras.callbacks.ReduceLROnPlateau`, but computed from the history, so that a resume is exact.
    """
    best, waited = float("inf"), 0
    for loss in losses:
        waited = 0 if loss < best - 1e-4 else waited + 1
        best = min(best, loss)
        if waited >= patience:
            rate, waited = max(rate * factor, 1e-6), 0
    return rate
