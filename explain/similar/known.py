"""What is known of similar cases where Candor runs: which pictures can be shown, how well the search does, in words."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.cards import data_folder, scan_path
from datasets.cohorts import COHORT_TITLES
from explain.prediction import Prediction, predict
from explain.request import Request
from explain.similar.index import SimilarIndex, read_index
from explain.similar.reference import ATTRIBUTION, reference_scan
from explain.similar.search import SimilarCase, similar_cases
from model_zoo import Model, ModelCard, bundle_folder
from model_zoo.scores import NO_NEAR_DUPLICATE, PRECISION_AT_5
from scans import Scan, read

NOT_THE_PATIENT = (
    "Similar by the model's features: cases that it finds alike, not cases that are alike. They say nothing about this "
    "patient."
)


def known_cases(model: Model, scan: Scan, prediction: Prediction) -> list[SimilarCase]:
    """Return the similar cases whose pictures are here; [] where the model has no index.

    Those of the collections, where they are on this machine, else those of the reference set.
    """
    index = read_index(bundle_folder(model.card.id), model.card.weights_sha256)
    if index is None:
        return []
    return similar_cases(model, scan, prediction, index, shipped=not _here(index, data_folder()))


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


def precision_sentence(card: ModelCard, label: str) -> str:
    """Return how often the similar cases of test scans have the right diagnosis, over all and for one class."""
    splits = dict.fromkeys(score.split for score in card.scores if score.name == PRECISION_AT_5)
    parts = []
    for split in splits:
        every, mine = (
            card.score(name, split, NO_NEAR_DUPLICATE) for name in (PRECISION_AT_5, f"{PRECISION_AT_5} of {label}")
        )
        own = f" ({100 * mine.value:.0f} % for this class)" if mine else ""
        parts.append(f"{COHORT_TITLES[split.removeprefix('cohort ')]} {100 * every.value:.0f} %{own}")
    if not parts:
        return ""
    return f"On test scans, so many of the five most similar cases have the right diagnosis: {', '.join(parts)}."


def credit(cases: Sequence[SimilarCase]) -> str:
    """Return the attribution that figshare's licence asks for, "" where none of its slices is shown."""
    return ATTRIBUTION if any(case.cohort == "figshare" for case in cases) else ""
