"""Calibration to a site: temperature and conformal thresholds from a site's own labelled scans.

A model's own are from the scans that chose it. At another hospital they promise nothing; 50 to 200 labelled scans of
that hospital give it a temperature and thresholds of its own. They are kept in a file outside the bundle, which says
how many scans each promise rests on. The predicted class never changes.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from model_zoo.card import ModelCard, ModelError
from model_zoo.conformal import LEVELS, class_thresholds, conformal_sets
from model_zoo.metrics import MILLION
from model_zoo.whole_files import write_whole
from model_zoo.zoo import Model, probabilities
from scans import Scan, ScanError, fit, read

FEWEST = 20  # scans; with fewer not even the temperature is worth having
_BATCH = 32


@dataclass(frozen=True)
class SiteCalibration:
    """What a site's labelled scans give for one model.

    `conformal` is as on a card: level in per cent -> class -> threshold in millionths. `own` names the classes with too
    few scans for a level, whose thresholds are the model's own. `coverage` is the share of the scans whose class was
    in the set, each by the thresholds of the others.
    """

    model: str
    weights_sha256: str
    site: str
    temperature: float
    conformal: dict[str, dict[str, int]]
    own: dict[str, list[str]]
    scans: dict[str, int]  # class -> labelled scans
    accuracy: float
    coverage: dict[str, float]


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature, 0.2 to 5, that makes the labels most probable, given logits (N, K).

    Guo et al. 2017, https://arxiv.org/abs/1706.04599. It changes the probabilities, never the predicted class.
    """

    def surprise(log_temperature: float) -> float:
        p = probabilities(logits, float(np.exp(log_temperature)))
        return float(-np.log(p[np.arange(len(p)), truth] + 1e-12).mean())

    best = minimize_scalar(surprise, bounds=(np.log(0.2), np.log(5)), method="bounded")
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


def labelled_scans(folder: Path, card: ModelCard) -> list[tuple[Path, Scan, str]]:
    """Return the scans in the class folders of `folder`: path, scan and class id.

    A class folder has the id or the display name of one of the model's classes. Raises ModelError that names every
    folder of another name, every file that cannot be read, and every file of more than one slice.
    """
    names = {name.lower(): label for label, name in zip(card.classes, card.names, strict=True)}
    names |= {label.lower(): label for label in card.classes}
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; it should hold one folder of scans for each class")
    subs = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    accepted = ", ".join(card.classes)
    if unknown := [sub.name for sub in subs if sub.name.lower() not in names]:
        raise ModelError(f"{folder} has the folder {unknown[0]!r}, which is no class of {card.id}: use {accepted}")
    found, faults = [], []
    for sub in subs:
        for path in sorted(p for p in sub.iterdir() if p.is_file() and not p.name.startswith(".")):
            try:
                scans = read(path)
                if len(scans) > 1:
                    raise ScanError(f"it holds {len(scans)} slices, and a label is for one: export the slice alone")
                if scans[0].not_assessable:
                    raise ScanError(scans[0].not_assessable)
                found.append((path, scans[0], names[sub.name.lower()]))
            except ScanError as error:
                faults.append(f"{path}: {error}")
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise ModelError(f"{faults[0]}{more}; move such files out of {folder}")
    return found


def calibrate(model: Model, scans: Sequence[Scan], labels: Sequence[str], site: str) -> SiteCalibration:
    """Return the calibration that a site's labelled scans give. Raises ModelError where they are too few."""
    classes = model.card.classes
    counts = Counter(labels)
    if len(scans) < FEWEST or len(counts) < 2:
        raise ModelError(
            f"{len(scans)} labelled scans of {len(counts)} classes are too few to calibrate {model.card.id}: at least "
            f"{FEWEST} of two classes are needed, and 50 to 200 are better"
        )
    truth = np.array([classes.index(label) for label in labels])
    logits = np.concatenate(
        [
            model.runtime.logits(np.stack([fit(scan, model.card.input)[0] for scan in scans[start : start + _BATCH]]))
            for start in range(0, len(scans), _BATCH)
        ]
    )
    model.finite(logits, "logits")
    temperature = fit_temperature(logits, truth)
    p = probabilities(logits, temperature)
    conformal, own, coverage = {}, {}, {}
    for level in LEVELS:
        found = dict(zip(classes, class_thresholds(p, truth, level).tolist(), strict=True))
        theirs = model.card.conformal.get(str(level), {})
        own[str(level)] = [label for label in classes if found[label] == MILLION]
        conformal[str(level)] = {
            label: theirs.get(label, MILLION) if value == MILLION else value for label, value in found.items()
        }
        coverage[str(level)] = _left_out_coverage(p, truth, level)
    return SiteCalibration(
        model.card.id,
        model.card.weights_sha256,
        site,
        temperature,
        conformal,
        own,
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


def promises(calibration: SiteCalibration) -> list[str]:
    """Return a sentence for each class: how many scans it rests on, and what the 90 % and 95 % sets promise."""
    lines = []
    for label, number in calibration.scans.items():
        parts = [
            f"{level} % sets: too few, the model's own threshold is kept"
            if label in calibration.own[level]
            else f"{level} % sets: in the set for at least {least_coverage(number, int(level)):.0%} of such scans"
            for level in calibration.conformal
        ]
        lines.append(f"{label}: {number} scans; {'; '.join(parts)}")
    return lines


def calibrated(model: Model, calibration: SiteCalibration) -> Model:
    """Return the model with the site's temperature and thresholds. Raises ModelError where they are another model's."""
    if (calibration.model, calibration.weights_sha256) != (model.card.id, model.card.weights_sha256):
        raise ModelError(
            f"the calibration to {calibration.site} is for {calibration.model} with other weights; run "
            f"`python -m model_zoo calibrate {model.card.id}` again"
        )
    card = replace(model.card, temperature=calibration.temperature, conformal=calibration.conformal)
    return replace(model, card=card)


def write_calibration(path: Path, calibration: SiteCalibration) -> None:
    """Write a calibration as JSON that a person can read, whole or not at all."""
    write_whole(path, json.dumps(asdict(calibration), indent=2, ensure_ascii=False) + "\n")


def read_calibration(path: Path) -> SiteCalibration:
    """Read a calibration. Raises ModelError on any other file."""
    try:
        return SiteCalibration(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"{path} cannot be read as a calibration ({error}); make it with `python -m model_zoo calibrate`"
        ) from error
