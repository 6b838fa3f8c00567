"""Calibration to a site: temperature and conformal thresholds from a site's own labelled scans.

A model's own are from the scans that chose it. At another hospital they promise nothing; 50 to 200 labelled scans of
that hospital give it a temperature and thresholds of its own. They are kept in a file outside the bundle, which says
how many scans each promise rests on. The predicted class never changes.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from model_zoo.card import ModelCard, ModelError
from model_zoo.conformal import LEVELS, MEASURES, class_thresholds, conformal_sets, fewest_scans
from model_zoo.estimate import Estimate
from model_zoo.metrics import MILLION
from model_zoo.scores import AUC, CALIBRATION
from model_zoo.selective import ANSWERED, RIGHT, SHARES, accuracy_at
from model_zoo.whole_files import write_whole
from model_zoo.zoo import Model, probabilities
from scans import Scan, display_name, fit

FEWEST = 20  # scans; with fewer not even the temperature is worth having
_COLDEST, _HOTTEST = 0.2, 5.0  # temperatures
_PRIOR = 0.5  # standard deviation of a site's log temperature about that of the model: a factor of 1.65
_BATCH = 32
# Scores of a card that were measured with the model's own temperature and thresholds, and hold for no others.
_OF_ITS_OWN = {
    AUC,
    CALIBRATION,
    ANSWERED,
    RIGHT,
    *map(accuracy_at, SHARES),
    *(measure.at(level) for measure in MEASURES for level in LEVELS),
}


@dataclass(frozen=True)
class SiteCalibration:
    """What a site's labelled scans give for one model.

    `conformal` is as on a card: level in per cent -> class -> threshold in millionths. A class with too few scans is in
    every set: the model's own threshold belongs to its own temperature. `coverage` is the share of the scans whose
    class was in the set, each by the thresholds of the others.
    """

    model: str
    weights_sha256: str
    site: str
    temperature: float
    conformal: dict[str, dict[str, int]]
    scans: dict[str, int]  # class -> labelled scans
    accuracy: float
    coverage: dict[str, float]

    @property
    def place(self) -> str:
        """The name of the site as it may be shown: whoever made the file may have written anything."""
        return display_name(self.site.replace("/", "-").replace("\\", "-"))


def fit_temperature(logits: np.ndarray, truth: np.ndarray, own: float | None = None) -> float:
    """Return the temperature, 0.2 to 5, that makes the labels most probable, given logits (N, K).

    Guo et al. 2017, https://arxiv.org/abs/1706.04599. It changes the probabilities, never the predicted class.
    Where few scans are all predicted rightly, no temperature is the best: the lower, the more probable. So where the
    model's `own` is given, a weak normal prior holds the logarithm near it.
    """

    def surprise(log_temperature: float) -> float:
        p = probabilities(logits, float(np.exp(log_temperature)))
        prior = 0.0 if own is None else ((log_temperature - np.log(own)) / _PRIOR) ** 2 / (2 * len(truth))
        return float(-np.log(p[np.arange(len(p)), truth] + 1e-12).mean() + prior)

    best = minimize_scalar(surprise, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded")
    return round(float(np.exp(best.x)), 4)


def least_coverage(scans: int, level: int) -> float:
    """Return the coverage of a class that `scans` calibration scans of it promise with 95 % confidence.

    Over many calibrations the mean is `level` per cent or more, but a single one is luckier or unluckier: its coverage
    has a Beta distribution (Vovk 2012, https://arxiv.org/abs/1209.2673), of which this is the 5th percentile.

    >>> round(least_coverage(50, 90), 2), round(least_coverage(1000, 90), 2)
    (0.83, 0.88)
    """
    excluded = int((scans + 1) * (100 - level) / 100)
    return float(beta.ppf(0.05, scans + 1 - excluded, excluded)) if excluded else 1.0


def calibrate(
    model: Model,
    scans: Sequence[Scan],
    labels: Sequence[str],
    site: str,
    progress: Callable[[float], object] = lambda share: None,
) -> SiteCalibration:
    """Return the calibration that a site's labelled scans give; `progress` gets the share of them that is predicted.

    Raises ModelError where they are too few.
    """
    classes = model.card.classes
    counts = Counter(labels)
    if len(scans) < FEWEST or len(counts) < 2:
        of = "1 class" if len(counts) == 1 else f"{len(counts)} classes"
        raise ModelError(
            f"{len(scans)} labelled scans of {of} are too few to calibrate {model.card.id}: at least {FEWEST} of two "
            "classes are needed, and 50 to 200 are better"
        )
    truth = np.array([classes.index(label) for label in labels])
    parts = []
    for start in range(0, len(scans), _BATCH):
        batch = np.stack([fit(scan, model.card.input)[0] for scan in scans[start : start + _BATCH]])
        parts.append(model.runtime.logits(batch))
        progress(min(1.0, (start + _BATCH) / len(scans)))
    logits = model.finite(np.concatenate(parts), "logits")
    temperature = fit_temperature(logits, truth, model.card.temperature)
    p = probabilities(logits, temperature)
    conformal, coverage = {}, {}
    for level in LEVELS:
        conformal[str(level)] = dict(zip(classes, class_thresholds(p, truth, level).tolist(), strict=True))
        coverage[str(level)] = _left_out_coverage(p, truth, level)
    return SiteCalibration(
        model.card.id,
        model.card.weights_sha256,
        site,
        temperature,
        conformal,
        {label: counts[label] for label in classes},
        round(float((logits.argmax(axis=1) == truth).mean()), 4),
        coverage,
    )


def _left_out_coverage(p: np.ndarray, truth: np.ndarray, level: int) -> float:
    """Return the share of scans whose class is in the set made by the thresholds of all other scans."""
    covered = []
    for i, label in enumerate(truth):
        others = np.arange(len(truth)) != i
        covered.append(conformal_sets(p[[i]], class_thresholds(p[others], truth[others], level))[0, label])
    return round(float(np.mean(covered)), 4)


def promise(calibration: SiteCalibration, label: str, level: str) -> str:
    """Return what the sets of a level promise for a class, as it stands behind the level."""
    scans = calibration.scans[label]
    if scans < fewest_scans(int(level)):
        return "too few scans, so it is in every set"
    share = least_coverage(scans, int(level))
    return f"with 95 % confidence, in the set for at least {100 * share:.0f} % of such scans"


def promises(calibration: SiteCalibration) -> list[str]:
    """Return a sentence for each class: how many scans it rests on, and what the 90 % and 95 % sets promise."""
    return [
        f"{label}: {number} scans; "
        + "; ".join(f"{level} % sets: {promise(calibration, label, level)}" for level in calibration.conformal)
        for label, number in calibration.scans.items()
    ]


def in_a_sentence(calibration: SiteCalibration) -> str:
    """Return what stands beside every prediction of a calibrated model."""
    return f"Calibrated to {calibration.place} on {sum(calibration.scans.values()):,} scans."


def site_accuracy(calibration: SiteCalibration) -> Estimate:
    """Return the accuracy at the site with its exact 95 % interval (Clopper and Pearson 1934).

    Not a bootstrap, as elsewhere: of few scans all may be right, and a bootstrap would be certain then.
    """
    number = sum(calibration.scans.values())
    right = round(calibration.accuracy * number)
    low = float(beta.ppf(0.025, right, number - right + 1)) if right else 0.0
    high = float(beta.ppf(0.975, right + 1, number - right)) if right < number else 1.0
    return Estimate(right / number, low, high, number)


def calibrated_card(card: ModelCard, calibration: SiteCalibration) -> ModelCard:
    """Return the card with the site's temperature and thresholds, without the scores that the model's own gave.

    Raises ModelError where they are another model's.
    """
    site = calibration.place
    if calibration.model != card.id:
        model = display_name(calibration.model)
        raise ModelError(f"the calibration to {site} is for {model}, not for {card.id}; use it with that model")
    if calibration.weights_sha256 != card.weights_sha256 or set(calibration.scans) != set(card.classes):
        raise ModelError(
            f"the calibration to {site} is for {card.id} with other weights; calibrate it again with the site's scans"
        )
    scores = tuple(score for score in card.scores if score.name not in _OF_ITS_OWN)
    return replace(
        card,
        temperature=calibration.temperature,
        conformal=calibration.conformal,
        scores=scores,
        operating_point=0.0,
    )


def calibrated(model: Model, calibration: SiteCalibration) -> Model:
    """Return the model with the site's temperature and thresholds. Raises ModelError where they are another model's."""
    return replace(model, card=calibrated_card(model.card, calibration), calibration=in_a_sentence(calibration))


def as_json(calibration: SiteCalibration) -> str:
    """Return a calibration as it is kept in a file: JSON that a person can read."""
    return json.dumps(asdict(calibration), indent=2, ensure_ascii=False) + "\n"


def write_calibration(path: Path, calibration: SiteCalibration) -> None:
    """Write a calibration, whole or not at all."""
    write_whole(path, as_json(calibration))


def read_calibration(source: Path | bytes) -> SiteCalibration:
    """Read a calibration from a file or its bytes. Raises ModelError on anything that `calibrate` does not make."""
    on_disk, reason = isinstance(source, Path), ""
    try:
        calibration = SiteCalibration(**json.loads(source.read_bytes() if on_disk else source))
        if _sound(calibration):
            return calibration
    except OSError as error:
        reason = f" ({error.strerror})"
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass  # never the message: it could quote the file
    raise ModelError(
        f"{source if on_disk else 'this file'} cannot be read as a calibration{reason}; make it with "
        "`python -m model_zoo calibrate`"
    )


def _sound(made: SiteCalibration) -> bool:
    """Return whether every field holds what it should. Raises TypeError or AttributeError on some that do not."""
    levels = {str(level) for level in LEVELS}
    thresholds = [each for by_class in made.conformal.values() for each in by_class.values()]
    return (
        all(isinstance(text, str) and text.strip() for text in (made.model, made.weights_sha256, made.site))
        and _COLDEST <= made.temperature <= _HOTTEST
        and set(made.conformal) == set(made.coverage) == levels
        and all(set(by_class) == set(made.scans) for by_class in made.conformal.values())
        and all(type(each) is int and 0 <= each <= MILLION for each in [*thresholds, *made.scans.values()])
        and sum(made.scans.values()) >= FEWEST
        and all(0 <= share <= 1 for share in (made.accuracy, *made.coverage.values()))
    )
