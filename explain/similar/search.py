"""The search: the nearest known scans of a model, none of them the same picture, or in the group of one that is."""

from dataclasses import dataclass

import numpy as np

from datasets.near_duplicates import print_of
from explain.prediction import Prediction
from explain.similar.index import SimilarIndex, bits_apart, features_of, packed, reduced
from model_zoo import Model
from model_zoo.gate import UNKNOWN
from scans import Scan

NEIGHBOURS = 5
# Bits of 256: a known scan that is as near to the one at hand, mirrored or turned, shows the same head. An index has
# one hash a scan, so only one of the two ways of turning is compared, in which mirrored copies lie up to 22 bits apart;
# of other heads, nearly all lie over 40 apart.
SAME = 24


@dataclass(frozen=True)
class SimilarCase:
    """A known scan that a model finds like the one at hand; `distance` is 0 where their features point alike, to 2."""

    name: str
    label: str
    cohort: str
    sequence: str
    plane: str
    distance: float
    shipped: bool  # its picture is in the reference set; else it lies below the data folder


def similar_cases(
    model: Model, scan: Scan, prediction: Prediction, index: SimilarIndex, *, shipped: bool = False
) -> list[SimilarCase]:
    """Return the nearest known scans of the same sequence, the nearest first, one of each group of slices.

    Those that show the same head are left out, and all of their group: other slices of one patient, as far as groups
    are known. With `shipped` the reference set is searched, else the scans of the collections.
    """
    feature = reduced(features_of(model, prediction.square[None]), index.axes, index.centre)[0]
    same = bits_apart(packed(print_of(scan)[0]), index.bits) <= SAME
    chosen = nearest(feature, prediction.gate.sequence, index, index.shipped == shipped, same)
    return [
        SimilarCase(
            name=str(index.names[i]),
            label=str(index.labels[i]),
            cohort=str(index.cohorts[i]),
            sequence=str(index.sequences[i]),
            plane=str(index.planes[i]),
            distance=round(float(1 - index.features[i].astype(np.float32) @ feature), 4),
            shipped=shipped,
        )
        for i in chosen
    ]


def nearest(
    feature: np.ndarray, sequence: str, index: SimilarIndex, allowed: np.ndarray, same: np.ndarray
) -> list[int]:
    """Return the places in the index of the nearest scans for a feature float32 (C,) of length 1.

    `allowed` and `same` are bool (N,). Where the sequence is not known, or too few scans are of it, all count.
    """
    of_patient = np.isin(index.groups, index.groups[same]) & (index.groups != "")
    allowed = allowed & ~same & ~of_patient
    alike = allowed & (index.sequences == sequence)
    if sequence != UNKNOWN and alike.sum() >= 10 * NEIGHBOURS:
        allowed = alike
    order = np.argsort(-(index.features.astype(np.float32) @ feature), kind="stable")
    found, groups = [], set()
    for place in order[allowed[order]]:
        group = index.groups[place]
        if group and group in groups:
            continue
        groups.add(group)
        found.append(int(place))
        if len(found) == NEIGHBOURS:
            break
    return found
