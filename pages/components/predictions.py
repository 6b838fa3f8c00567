"""What each of several models predicts for each of several scans, and what keeps one of them from predicting."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from explain import Prediction, predict
from model_zoo import Model, ModelCard, ModelError, load_model
from model_zoo.site_calibration import calibrated
from pages.components import scan_states
from pages.components.audited import note_prediction
from pages.components.gate import withheld
from pages.components.state import state
from scans import Scan

_KEPT = 16  # predictions with their network inputs, 0.6 MB each
_AT_ONCE = 16  # predictions without a progress bar


@dataclass(frozen=True)
class Predictions:
    """The models that could be loaded, a sentence for each of the others, and the probabilities.

    A model that is calibrated to a site in this session has the site's temperature and thresholds.
    """

    models: dict[str, Model]
    errors: dict[str, str]
    rows: list[list[np.ndarray | None]]  # for each scan, for each card: probabilities (K,), or None


def predictions(cards: Sequence[ModelCard], scans: Sequence[Scan | None]) -> Predictions:
    """Return what each model predicts for each scan: None for one that cannot be read, is blank or is withheld."""
    models, errors = _load(cards)
    with st.spinner("Predicting…"):
        for model_id, model in models.items():
            try:
                _predict(model, [scan for scan in scans if scan is not None and not withheld(scan)])
            except ModelError as error:
                errors[model_id] = str(error)
    kept = state().probabilities
    rows = [
        [
            None
            if scan is None or card.id in errors or withheld(scan)
            else kept.get((models[card.id].prediction_key, scan.key))
            for card in cards
        ]
        for scan in scans
    ]
    return Predictions({name: model for name, model in models.items() if name not in errors}, errors, rows)


def prediction_of(model: Model, scan: Scan) -> Prediction:
    """Return the prediction for one scan, the one that its explanations carry. Raises ModelError and ScanError."""
    return _prediction(model.prediction_key, scan.key, state().anyway, model, scan)


def show_calibrations(predicted: Predictions) -> None:
    """Draw a sentence for each model that is calibrated to a site."""
    for name, model in predicted.models.items():
        if model.calibration:
            st.caption(f"{name}: {model.calibration[0].lower()}{model.calibration[1:]}")


# By contents, as everywhere. Not cache_data, which would copy the arrays.
@st.cache_resource(scope="session", max_entries=_KEPT, show_spinner=False)
def _prediction(model_key: str, scan_key: str, anyway: bool, _model: Model, _scan: Scan) -> Prediction:
    return predict(_model, _scan, anyway=anyway)


def _load(cards: Sequence[ModelCard]) -> tuple[dict[str, Model], dict[str, str]]:
    models, errors, calibrations = {}, {}, state().calibrations
    with st.spinner("Loading the models…"):
        for card in cards:
            try:
                model = load_model(card.id)
                models[card.id] = calibrated(model, calibrations[card.id]) if card.id in calibrations else model
            except ModelError as error:
                errors[card.id] = str(error)
    return models, errors


def _predict(model: Model, scans: Sequence[Scan]) -> None:
    """Predict those scans that this model has not predicted in this session."""
    kept, model_key = state().probabilities, model.prediction_key
    new = list({scan.key: scan for scan in scans if (model_key, scan.key) not in kept}.values())
    progress = st.empty()
    for place, scan in enumerate(new):
        if len(new) > _AT_ONCE:
            progress.progress(place / len(new), f"{model.card.id}: scan {place + 1} of {len(new)}")
        prediction = prediction_of(model, scan)
        kept[model_key, scan.key] = prediction.probabilities
        note_prediction(model, scan, prediction)
        scan_states.note(scan, scan_states.PREDICTED)
    progress.empty()
