"""Training of a network, with an exact resume.

`fit` writes into its run folder after every epoch: `state.json` (what a resume needs), the last
checkpoint with the optimiser's state, the best weights, and `history.csv`. The state names its
checkpoint and is replaced last, so a run killed at any moment resumes from a whole epoch.
"""

import csv
import io
import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path

import keras
import numpy as np

from model_zoo.whole_files import remove_parts_of_the_dead, write_whole
from train.batches import Batches
from train.objective import compile_model, plateau_rate
from train.precision import precision_policy
from train.recipe import Recipe

STATE = "state.json"
_BEST, _HISTORY = "best.keras", "history.csv"  # not HDF5 alone: on a full disk its library ends the process


def fit(
    model: keras.Model, train: Batches, val: Batches, recipe: Recipe, run: Path, *, data: str, resume: bool
) -> keras.Model:
    """Train `model` and return it with its best weights.

    `data` is the fingerprint of the scans and their split. Raises ValueError where the checkpoint in `run` was made
    with another recipe or other data, or a file of it is missing or damaged, and where epochs are left and it was made
    in another precision. Without `resume` the folder is emptied first.
    """
    if not resume:
        shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True, exist_ok=True)
    remove_parts_of_the_dead(run)
    state = _load_state(run, recipe, data)
    compile_model(model, recipe, len(train))
    keeper = _Keeper(run, recipe, data, state)
    if state and not keeper.finished:  # a finished run needs its best weights only
        _require_the_precision(run, recipe, state)
        _restore(model, run / state["checkpoint"], state["random"])
        train.epoch = state["epochs_done"]
        _set_rate(model, recipe, state["history"])
    for last in _phases(recipe):
        train.epoch = keeper.state["epochs_done"]  # Keras counts one more at the start of each `fit`
        if keeper.finished or train.epoch >= last:
            continue
        model.train_function = (
            None  # traced for pictures of two sizes, a step would round otherwise than after a resume
        )
        train.side = recipe.early_size if last < recipe.epochs else recipe.size
        model.fit(
            train,
            validation_data=val,
            epochs=last,
            initial_epoch=train.epoch,
            callbacks=[*([keras.callbacks.SwapEMAWeights()] if recipe.average else []), keeper],
            shuffle=False,  # Batches shuffle scans by seed and epoch; Keras would shuffle batches by neither
        )
        if keeper.latest:  # at its end, `fit` puts the averaged weights in the place of the trained ones
            model.set_weights(keeper.latest)
    write_history(run / _HISTORY, keeper.state["history"])  # a disk may have been full when it was due
    with _optimizer_set_aside(model):
        try:
            model.load_weights(run / _BEST)
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{run / _BEST} is missing or damaged; put it back, or leave out --resume to train anew"
            ) from error
    return model


def _phases(recipe: Recipe) -> list[int]:
    """Return the last epoch of each phase with pictures of one size: one call of Keras' `fit` takes only one size.

    The last epoch is never one of the early ones, whatever their share is rounded to.
    """
    early = min(round(recipe.early * recipe.epochs), recipe.epochs - 1) if recipe.early_size else 0
    return sorted({early, recipe.epochs} - {0})


def _restore(model: keras.Model, checkpoint: Path, random_states: list) -> None:
    """Restore weights, optimiser and dropout from the checkpoint.

    The model is compiled as at the start, not taken from the file: a saved optimiser does not keep which
    weights are without decay, nor a saved dropout layer the state of its random numbers (Keras 3.15).
    """
    try:
        saved = keras.models.load_model(checkpoint)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"the checkpoint {checkpoint} is missing or damaged; put it back, or leave out --resume to train anew"
        ) from error
    model.optimizer.build(model.trainable_variables)
    ours, theirs = (m.variables + m.optimizer.variables for m in (model, saved))
    for variable, value in zip(ours, theirs, strict=True):
        variable.assign(value)
    for variable, value in zip(_random_variables(model), random_states, strict=True):
        variable.assign(np.array(value, np.uint32))


def _random_variables(model: keras.Model) -> list:
    return [variable for variable in model.variables if "seed_generator" in variable.path]


def _load_state(run: Path, recipe: Recipe, data: str) -> dict | None:
    path = run / STATE
    if not path.exists():
        return None
    try:
        state = json.loads(path.read_text())
        made_with, scans_used = state["recipe"], state["data"]
        _ = state["checkpoint"], state["random"], state["epochs_done"], state["history"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged; put it back, or leave out --resume to train anew") from error
    unset = {field.name: field.default for field in fields(Recipe)}  # a field added after the checkpoint was made
    differing = [name for name, value in asdict(recipe).items() if made_with.get(name, unset[name]) != value]
    # the evaluated splits change no weight, nor does the precision where the run is finished
    differing = [name for name in differing if name not in ("evaluate", "precision")]
    if differing:
        name = differing[0]
        raise ValueError(
            f"the checkpoint in {run} was made with {name}={made_with.get(name)}, this recipe has "
            f"{name}={getattr(recipe, name)}; give the same settings, another --out, or leave out --resume"
        )
    if scans_used != data:
        raise ValueError(
            f"the checkpoint in {run} was made with other scans or another split of them; give the same "
            "--data, another --out, or leave out --resume"
        )
    return state


def _require_the_precision(run: Path, recipe: Recipe, state: dict) -> None:
    """Raise ValueError where the run would go on in another precision, as "auto" may on another machine."""
    before = state.get("precision") or state["recipe"].get("precision", "auto")
    now = precision_policy(recipe)
    if before not in ("auto", now):
        raise ValueError(
            f"the checkpoint in {run} was made in {before}, and this run would go on in {now}; "
            f"give --set precision={before}, another --out, or leave out --resume"
        )


class _Keeper(keras.callbacks.Callback):
    """After each epoch: keep the best weights, the checkpoint and the history; stop when the run is finished."""

    def __init__(self, run: Path, recipe: Recipe, data: str, state: dict | None) -> None:
        super().__init__()
        self.run, self.recipe = run, recipe
        self.latest: list[np.ndarray] = []
        self.state = state or {
            "recipe": asdict(recipe),
            "data": data,
            "epochs_done": 0,
            "checkpoint": "",
            "best": [-1.0, 0.0],
            "best_epoch": 0,
            "random": [],
            "history": [],
            "precision": precision_policy(recipe),  # of this machine; another may evaluate the run
            "backend": keras.backend.backend(),
            "seconds": [],  # of each epoch, validation and saving included; not in history.csv, which repeats exactly
        }

    @property
    def finished(self) -> bool:
        waited = self.state["epochs_done"] - self.state["best_epoch"]
        early = 0 < self.recipe.patience <= waited
        return self.state["epochs_done"] >= self.recipe.epochs or early

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        row = {"epoch": epoch + 1}
        row |= {name.replace("logits_accuracy", "accuracy"): float(value) for name, value in (logs or {}).items()}
        self.state["seconds"] = [*self.state.get("seconds", []), round(time.monotonic() - self.started, 2)]
        score = [round(row["val_accuracy"], 6), -row["val_loss"]]  # ties go to the lower loss
        if score > self.state["best"]:
            self.state |= {"best": score, "best_epoch": epoch + 1}
            self._save_best()
        old, new = self.state["checkpoint"], f"epoch-{epoch + 1:03d}.keras"
        write_whole(self.run / new, self.model.save)
        random = [keras.ops.convert_to_numpy(state).tolist() for state in _random_variables(self.model)]
        self.state |= {"epochs_done": epoch + 1, "checkpoint": new, "random": random}
        self.state["history"] = [*self.state["history"], row]
        write_whole(self.run / STATE, json.dumps(self.state))
        write_history(self.run / _HISTORY, self.state["history"])
        if old and old != new:
            (self.run / old).unlink(missing_ok=True)
        _set_rate(self.model, self.recipe, self.state["history"])
        if self.recipe.average and (self.finished or epoch + 1 in _phases(self.recipe)):
            self.latest = self.model.get_weights()
        if self.finished:
            self.model.stop_training = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.monotonic()

    def _save_best(self) -> None:
        """Save the weights: where the recipe averages, the averaged ones, held to their constraints.

        They were validated just before that.
        """
        if not self.recipe.average:
            with _optimizer_set_aside(self.model):
                write_whole(self.run / _BEST, self.model.save)
            return
        latest = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        for variable in self.model.trainable_variables:
            if variable.constraint is not None:  # Keras averages each step's weights before it constrains them
                variable.assign(variable.constraint(variable))
        with _optimizer_set_aside(self.model):
            write_whole(self.run / _BEST, self.model.save)
        self.model.set_weights(latest)


@contextmanager
def _optimizer_set_aside(model: keras.Model) -> Iterator[None]:
    """Save or load a model without its optimiser, which is twice or three times as large as the network.

    Keras' `include_optimizer=False` leaves only its settings out, not its state (3.15).
    """
    optimizer, model.optimizer = model.optimizer, None
    try:
        yield
    finally:
        model.optimizer = optimizer


def _set_rate(model: keras.Model, recipe: Recipe, history: list[dict]) -> None:
    """Set the optimiser's rate for the next epoch, where it depends on the validation loss."""
    if recipe.schedule == "plateau":
        model.optimizer.learning_rate = plateau_rate(recipe.rate, [row["val_loss"] for row in history])


def write_history(path: Path, rows: list[dict]) -> None:
    """Write one CSV row per epoch: loss, accuracy, and the same on validation."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    write_whole(path, text.getvalue())


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and the backend; with Keras' seeded layers this reproduces a run on one machine."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def labels_of(records, classes: dict[str, str]) -> np.ndarray:
    """Return int32 (N,): the index of each record's class in the logits."""
    indices = {label: index for index, label in enumerate(classes)}
    return np.array([indices[record.label] for record in records], np.int32)
