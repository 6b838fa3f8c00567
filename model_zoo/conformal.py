"""Conformal sets: the classes that cannot be ruled out for a scan, with a promised coverage for each class.

A class belongs to the set of a scan where its probability reaches the value that nine in ten calibration scans of the
class reach (at 90 %). Each class has a threshold of its own (Mondrian conformal prediction, Vovk et al. 2005,
Algorithmic Learning in a Random World, 4.5), so that a rare class is covered as often as a frequent one. The promise
holds for scans like those of the calibration; elsewhere coverage must be measured.

Thresholds are whole millionths, as the stored probabilities are: a set is the same on every machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from model_zoo.estimate import Estimate
from model_zoo.metrics import MILLION, draws, interval

LEVELS = (90, 95)  # per cent


@dataclass(frozen=True)
class SetMeasure:
    """What is measured of conformal sets: its title, the name of the score at a level, and a value for each scan."""

    title: str
    name: str  # with {} for the level
    of: Callable[[np.ndarray, np.ndarray], np.ndarray]  # sets bool (N, K), truth int (N,) -> (N,)

    def at(self, level: int | str) -> str:
        """Return the name of the score at a level in per cent."""
        return self.name.format(level)


MEASURES = (
    SetMeasure("Coverage", "coverage of {} % sets", lambda sets, truth: sets[np.arange(len(truth)), truth]),
    SetMeasure("Mean size", "mean size of {} % sets", lambda sets, truth: sets.sum(axis=1)),
    SetMeasure("One class", "share of {} % sets with one class", lambda sets, truth: sets.sum(axis=1) == 1),
    SetMeasure("Empty", "share of empty {} % sets", lambda sets, truth: sets.sum(axis=1) == 0),
)


def class_thresholds(p: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
    """Return int (K,): how many millionths a class's probability may lack of 1 for the class to be in the set.

    `p` float (N, K) and `truth` int (N,) are the calibration scans, `level` is the coverage in per cent. A class with
    too few of them for the promise belongs to every set.

    >>> class_thresholds(np.repeat([[0.8, 0.2], [0.6, 0.4]], 5, axis=0), np.zeros(10, int), 90).tolist()
    [400000, 1000000]
    """
    lacking = MILLION - np.rint(MILLION * np.asarray(p, float)).astype(int)
    found = np.full(lacking.shape[1], MILLION)
    for k in range(lacking.shape[1]):
        mine = np.sort(lacking[truth == k, k])
        place = ceil((len(mine) + 1) * level / 100)
        if 0 < place <= len(mine):
            found[k] = mine[place - 1]
    return found


def fewest_scans(level: int) -> int:
    """Return how many calibration scans of a class a threshold of its own takes.

    >>> fewest_scans(90), fewest_scans(95)
    (9, 19)
    """
    return ceil(level / (100 - level))


def conformal_sets(p: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return bool (N, K): the classes that cannot be ruled out, for probabilities (N, K) and thresholds (K,)."""
    return MILLION - np.rint(MILLION * np.asarray(p, float)).astype(int) <= thresholds


def in_every_set(thresholds: Mapping[str, int]) -> list[str]:
    """Return the classes that no scan rules out, given class -> threshold.

    >>> in_every_set({"glioma": 400_000, "granuloma": 1_000_000})
    ['granuloma']
    """
    return [label for label, lacking in thresholds.items() if lacking >= MILLION]


def measured(sets: np.ndarray, truth: np.ndarray, groups: Sequence[int]) -> list[tuple[SetMeasure, Estimate]]:
    """Return each measure of sets (N, K) with its 95 % interval, bootstrapped over groups int (N,)."""
    _, groups = np.unique(groups, return_inverse=True)
    values = [np.ones(len(truth)), *(np.asarray(measure.of(sets, truth), float) for measure in MEASURES)]
    sums = np.stack([np.bincount(groups, weights=column) for column in values], axis=1)  # (G, 1 + measures)
    resampled = draws(len(sums)) @ sums
    whole = sums.sum(axis=0)
    return [
        (measure, Estimate(*interval(whole[i] / whole[0], resampled[:, i] / resampled[:, 0]), len(truth)))
        for i, measure in enumerate(MEASURES, start=1)
    ]


def in_words(names: Sequence[str], joined_by: str = "or") -> str:
    """Return a set as it is shown to a reader.

    >>> in_words(["Glioma", "Meningioma"]), in_words(["Glioma", "Meningioma", "No tumour"]), in_words([])
    ('Glioma or meningioma', 'Glioma, meningioma or no tumour', 'None of the classes fits')
    >>> in_words(["Glioma", "Meningioma"], "and")
    'Glioma and meningioma'
    """
    if not names:
        return "None of the classes fits"
    first, *others = names
    rest = [name[0].lower() + name[1:] for name in others]
    if not rest:
        return first
    return f"{', '.join([first, *rest[:-1]])} {joined_by} {rest[-1]}"
