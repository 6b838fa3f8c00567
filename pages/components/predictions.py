"""What does each of several models say of each of several scans, and what keeps one of them from answering?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from model_zoo import Model, ModelCard, ModelError, load_model
from scans import Scan

_BATCH = 16  # scans between two looks at the clock


@dataclass(frozen=True)
class Said:
    """The models that could be loaded, the sentences of those that could not answer, and the answers."""

    models: dict[str, Model]
    errors: dict[str, str]
    answers: list[list[np.ndarray | None]]  # for each scan, for each card: probabilities (K,), or None


def answers(cards: Sequence[ModelCard], scans: Sequence[Scan | None]) -> Said:
    """Return what each model says of each scan. None, for a scan that cannot be read, and blank ones get no answer."""
    loaded, errors = _loaded(cards)
    for model_id, model in loaded.items():
        _ask(model, [scan for scan in scans if scan is not None and not scan.blank])
        if any(not np.isfinite(p).all() for p in (_kept().get(_key(model.card, s)) for s in scans) if p is not None):
            errors[model_id] = f"{model_id} gave probabilities that are not finite; its weights may be broken."
    table = [[None if card.id in errors else _kept().get(_key(card, scan)) for card in cards] for scan in scans]
    return Said({name: model for name, model in loaded.items() if name not in errors}, errors, table)


def _loaded(cards: Sequence[ModelCard]) -> tuple[dict[str, Model], dict[str, str]]:
    loaded, errors = {}, {}
    with st.spinner("Asking the models; the first time they have to be loaded…"):
        for card in cards:
            try:
                loaded[card.id] = load_model(card.id)
            except ModelError as error:
                errors[card.id] = str(error)
    return loaded, errors


def _ask(model: Model, scans: Sequence[Scan]) -> None:
    """Ask a model about those scans that it has not been asked about."""
    new = list({_key(model.card, scan): scan for scan in scans if _key(model.card, scan) not in _kept()}.values())
    told = st.empty()
    for start in range(0, len(new), _BATCH):
        part = new[start : start + _BATCH]
        if len(new) > _BATCH:
            told.progress(start / len(new), f"{model.card.id}: scan {start + 1} of {len(new)}")
        for scan, p in zip(part, model.classify(part), strict=True):
            _kept()[_key(model.card, scan)] = p
    told.empty()


def _kept() -> dict[tuple, np.ndarray]:
    """The answers of this session: some floats a scan and model."""
    return st.session_state.setdefault("said", {})


def _key(card: ModelCard, scan: Scan | None) -> tuple:
    # By contents, as everywhere: what the scan's file is, which slice of it, and which weights.
    return (card.weights_sha256, scan.digest, scan.index, scan.plane) if scan else ()
