"""The models of the zoo and their predictions.

A bundle is a folder with `card.json` and `model.keras`; the zoo is a folder of bundles. $CANDOR_ZOO
names another one than this. Models that others made are bundles too, in a folder of their own outside the repository
(model_zoo/imported.py): $CANDOR_IMPORTED names it.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from model_zoo.card import ModelCard, ModelError, read_card
from model_zoo.gate import GATE_TASK
from model_zoo.onnx_network import load_onnx
from model_zoo.runtime import Runtime, make_runtime
from model_zoo.self_test import require_same_logits
from model_zoo.weights import load_checked
from scans import Scan, fit

DEFAULT = "candor-pooled4"  # the app's default, where the zoo has it: trained on every collection
SHIPPED = Path(__file__).parent  # the zoo of the repository, whichever is served
MEASURED = "measured"  # folder of the zoo: models kept for their results, most of them without weights
_BATCH = 32
_loading = Lock()


@dataclass(frozen=True)
class Model:
    """A loaded bundle. `network` is shared by everyone in the process: read it, never change it."""

    card: ModelCard
    network: object  # keras.Model that returns logits (N, K); None of an ONNX file
    runtime: Runtime
    calibration: str = ""  # the site that the card's temperature and thresholds are of, in a sentence

    def __reduce__(self):
        """A model is sent to another process as a reference to its bundle with its card, never as a network."""
        return _loaded_again, (self.card, self.calibration)

    @property
    def prediction_key(self) -> str:
        """What tells its predictions from those of other weights or another input, or by another calibration."""
        card = self.card
        facts = [card.id, card.weights_sha256, card.classes, asdict(card.input), card.imported]
        facts += [card.temperature, card.conformal, self.calibration]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """Return probabilities, float32 (N, K), rows summing to 1, for a batch (N, h, w, c) made by `fit`."""
        return probabilities(self.runtime.logits(batch), self.card.temperature)

    def classify(self, scans: Sequence[Scan]) -> np.ndarray:
        """Return probabilities, float32 (N, K), for scans as they were read."""
        parts = []
        for start in range(0, len(scans), _BATCH):
            batch = np.stack([fit(scan, self.card.input)[0] for scan in scans[start : start + _BATCH]])
            parts.append(self.predict(batch))
        return np.concatenate(parts) if parts else np.zeros((0, len(self.card.classes)), np.float32)

    def finite(self, values: np.ndarray, name: str = "probabilities") -> np.ndarray:
        """Return `values`, which the model gave. Raises ModelError where one of them is not a finite number."""
        if not np.isfinite(values).all():
            raise ModelError(f"{self.card.id} gave {name} that are not finite; its weights may be broken")
        return values


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the softmax of logits (N, K) divided by `temperature`, float32.

    >>> probabilities([[2.0, 2.0], [0.0, np.log(3)]]).round(2).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def zoo_folder() -> Path:
    """Return the folder of bundles: $CANDOR_ZOO, else this package's own."""
    return Path(os.environ.get("CANDOR_ZOO") or SHIPPED)


def imported_folder() -> Path:
    """Return the folder of imported models: $CANDOR_IMPORTED, else candor/models where the user's data are."""
    named = os.environ.get("CANDOR_IMPORTED")
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return Path(named) if named else home / "candor" / "models"


def bundle_folder(model_id: str) -> Path:
    """Return the folder of a bundle in the zoo, or among the imported models; it need not exist."""
    imported = imported_folder() / model_id
    return imported if (imported / "card.json").exists() else zoo_folder() / model_id


def models() -> dict[str, ModelCard]:
    """Return the card of every classifier by id, the app's default first; those of `broken_models` are left out.

    >>> next(iter(models()))
    'candor-pooled4'
    """
    return {name: card for name, card in _cards().items() if isinstance(card, ModelCard) and card.task != GATE_TASK}


def broken_models() -> dict[str, str]:
    """Return a sentence by id for every bundle whose card cannot be read: it is not served, and the others are."""
    return {name: str(card) for name, card in _cards().items() if isinstance(card, ModelError)}


def model_card(model_id: str) -> ModelCard:
    """Return one card. Raises ModelError where it cannot be read, and one that lists the ids there are."""
    cards = _cards()
    if model_id not in cards:  # a look-up in a listing: an id is never used as a path
        names = ", ".join(models()) or "no model yet; train one with `python -m train`"
        raise ModelError(f"no model {model_id[:80]!r}; the zoo has {names}")
    card = cards[model_id]
    if isinstance(card, ModelError):
        raise card
    return card


def _cards() -> dict[str, ModelCard | ModelError]:
    paths = sorted(zoo_folder().glob("[!.]*/card.json"), key=lambda path: (path.parent.name != DEFAULT, path))
    paths += sorted(imported_folder().glob("[!.]*/card.json"))
    return {path.parent.name: _card_or_error(path) for path in paths}


def _card_or_error(path: Path) -> ModelCard | ModelError:
    try:
        return _card_as_of(*_card_file(path.parent))
    except ModelError as error:
        return error


@lru_cache(maxsize=64)
def _card_as_of(path: Path, _changed: int, _file: int, _size: int) -> ModelCard:
    # The cards of a zoo are looked at for every prediction, and reading them all takes longer than the prediction.
    return read_card(path)


def load_model(model_id: str, *, engine: str = "auto", precision: str = "auto", tested: bool = True) -> Model:
    """Return a model, loaded once per process and card.

    Raises ModelError on an unknown id, on weights other than those of the card, and, unless `tested` is False, where
    the model gives other logits than when it was made.

    >>> from scans import phantom
    >>> load_model("candor-figshare3").classify([phantom("glioma", 1).scan]).shape
    (1, 3)
    """
    model_card(model_id)  # refuses an unknown one
    with _loading:
        return _load(*_card_file(bundle_folder(model_id)), engine, precision, tested)


def measured_models() -> list[str]:
    """Return the ids of the models in `measured/` that have their weights there, because they teach others."""
    folders = (path.parent for path in sorted((zoo_folder() / MEASURED).glob("[!.]*/card.json")))
    return [folder.name for folder in folders if any(folder.glob("model.*"))]


def load_measured(model_id: str) -> Model:
    """Return one of `measured_models`. Raises ModelError where its weights are not those of its card."""
    with _loading:
        return _load(*_card_file(zoo_folder() / MEASURED / model_id), "auto", "auto", False)


def _loaded_again(card: ModelCard, calibration: str) -> Model:
    """Return the model that another process meant. Raises ModelError where this zoo has other weights."""
    model = load_model(card.id)
    if model.card.weights_sha256 != card.weights_sha256:
        raise ModelError(f"{card.id} has other weights here than where the request was made; use the same zoo")
    return replace(model, card=card, calibration=calibration)


def _card_file(folder: Path) -> tuple[Path, int, int, int]:
    """Return a bundle's card and what tells it from the one before: time of its last change in ns, file, bytes."""
    path = folder / "card.json"
    try:
        now = path.stat()
    except OSError as error:
        raise ModelError(f"{path} cannot be read as a model card ({error}); train the model again") from error
    return path, now.st_mtime_ns, now.st_ino, now.st_size


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int, _file: int, _size: int, engine: str, precision: str, tested: bool) -> Model:
    # Keyed by the card's file: a model that is imported again, with its classes in another order, has the same weights.
    folder, card = path.parent, read_card(path)
    if card.differentiable:
        network = load_checked(folder / card.weights_file, card.weights_sha256)
        if network.output_shape != (None, len(card.classes)) or network.input_shape != (None, *card.input.shape):
            raise ModelError(
                f"the weights of {card.id} take {network.input_shape[1:]} and give {network.output_shape[1:]}, the "
                f"card says {card.input.shape} and {len(card.classes)} classes; restore both or train the model again"
            )
        runtime = make_runtime(network, engine=engine, precision=precision)
    else:
        network, runtime = None, load_onnx(folder, card, engine=engine, precision=precision)
    if tested:
        require_same_logits(folder, card, runtime)
    return Model(card, network, runtime)
