"""What is known of similar cases where Candor runs: which pictures can be shown, how well the search does, in words."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.cards import data_folder, scan_path
from datasets.cohorts import COHORT_TITLES
from explain.prediction import Prediction, predict
from explain.request import Request
from explain.similar.index import SIMILAR_INDEX, SimilarIndex, read_index
from explain.similar.reference import ATTRIBUTION, reference_scan
from explain.similar.search import SimilarCase, similar_cases
from model_zoo import Model, ModelCard, bundle_folder
from model_zoo.estimate import rounded_percent
from model_zoo.scores import NO_NEAR_DUPLICATE, PRECISION_AT_5
from scans import Scan, read

NOT_THE_PATIENT = (
    "Similar by the model's features: cases that it finds alike, not cases that are alike. They say nothing about this "
    "patient."
)


def known_cases(model: Model, scan: Scan, prediction: Prediction) -> list[SimilarCase]:
    """Return the similar cases whose pictures are here; [] where there is none to show, which `none_sentence` explains.

    Those of the collections, where they are on this machine. Else those of the reference set, where it holds cases of
    the predicted class: the nearest of other classes alone would say nothing for or against it.
    """
    index = read_index(bundle_folder(model.card.id), model.card.weights_sha256)
    if index is None:
        return []
    shipped = not collections_here(model.card)
    if shipped and model.card.classes[prediction.index] not in index.labels[index.shipped]:
        return []
    return similar_cases(model, scan, prediction, index, shipped=shipped)


def collections_here(card: ModelCard) -> bool:
    """Return whether similar cases come from the collections, which are on this machine, or from the reference set."""
    index = read_index(bundle_folder(card.id), card.weights_sha256)
    return index is not None and _here(index, data_folder())


def none_sentence(card: ModelCard) -> str:
    """Return why a prediction has no similar cases."""
    if not (bundle_folder(card.id) / SIMILAR_INDEX).exists():
        return f"This model has no index of known scans; `python -m explain similar-index {card.id}` makes it."
    return (
        "The reference set that ships with Candor holds gliomas, meningiomas and pituitary tumours in T1C+ alone, none "
        "of the predicted class. With the collections on this machine, their scans are searched."
    )


def _here(index: SimilarIndex, data: Path) -> bool:
    """Return whether the collections of an index are on this machine: the first scan of each is looked for."""
    names, cohorts = index.names[~index.shipped], index.cohorts[~index.shipped]
    first = [str(names[cohorts == cohort][0]) for cohort in np.unique(cohorts)]
    return bool(first) and all(scan_path(name, data) for name in first)


def scan_of(case: SimilarCase) -> Scan:
    """Return the picture of a similar case. Raises ScanError where it cannot be read."""
    return reference_scan(case.name) if case.shipped else read(data_folder() / case.name, sequence=case.sequence)[0]


def request_for(request: Request, case: SimilarCase) -> Request:
    """Return the request for the same map of a similar case. Raises ScanError where its picture cannot be read."""
    scan = scan_of(case)
    seen = predict(request.model, scan, anyway=True)  # a labelled scan of a collection needs no gate
    alike = {"target": request.target, "engine": request.engine, **request.settings}
    return Request(request.model, scan, request.method, **alike, prediction=seen)


def diagnoses_sentence(card: ModelCard, cases: Sequence[SimilarCase]) -> str:
    """Return how many of the similar cases have which diagnosis."""
    names = dict(zip(card.classes, card.names, strict=True))
    counts = Counter(case.label for case in cases).most_common()
    parts = [f"{number} {names[label][0].lower()}{names[label][1:]}" for label, number in counts]
    return f"Of {len(cases)} similar cases: {', '.join(parts)}."


def precision_sentence(card: ModelCard, label: str, cases: Sequence[SimilarCase]) -> str:
    """Return how often the similar cases of test scans have the right diagnosis, over all and for one class.

    That was measured with the collections; of the reference set, a sentence says what it holds. "" without cases.
    """
    if not cases:
        return ""
    if any(case.shipped for case in cases):
        return (
            "They come from the reference set that ships with Candor: tumours in T1C+ alone, so the scan's own "
            "diagnosis or sequence may not be in it. How often its cases have the right diagnosis was not measured."
        )
    splits = dict.fromkeys(score.split for score in card.scores if score.name == PRECISION_AT_5)
    parts = []
    for split in splits:
        every, mine = (
            card.score(name, split, NO_NEAR_DUPLICATE) for name in (PRECISION_AT_5, f"{PRECISION_AT_5} of {label}")
        )
        own = f" ({rounded_percent(mine.value)} % for this class)" if mine else ""
        parts.append(f"{COHORT_TITLES[split.removeprefix('cohort ')]} {rounded_percent(every.value)} %{own}")
    if not parts:
        return ""
    return f"On test scans, so many of the five most similar cases have the right diagnosis: {', '.join(parts)}."


def credit(cases: Sequence[SimilarCase]) -> str:
    """Return the attribution that figshare's licence asks for, "" where none of its slices is shown."""
    return ATTRIBUTION if any(case.cohort == "figshare" for case in cases) else ""
