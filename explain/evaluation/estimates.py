"""The mean or the median of a measure over scans, with its interval.

A bootstrap over groups, with the draws and the 95 % interval by which the models are judged too: scans of one
patient, or near-duplicates, are drawn together, since they are not independent evidence.
"""

from collections.abc import Callable, Sequence

import numpy as np

from model_zoo import Estimate, metrics


def estimate(values: np.ndarray, groups: Sequence[str], statistic: str = "mean") -> Estimate | None:
    """Return the mean or the median of `values`, float (N,), resampled over `groups` (N,); None if all are NaN.

    NaN stands for an undefined value (a scan without a tumour has nothing to localise) and is left out. To compare
    two methods, give the differences of their values on the same scans: they vary less than either.
    Raises ValueError for another statistic or as many groups as not.
    """
    if statistic not in STATISTICS:
        raise ValueError(f"no statistic {statistic!r}; use one of: {', '.join(STATISTICS)}")
    if len(values) != len(groups):
        raise ValueError(f"{len(values)} values need as many groups; there are {len(groups)}")
    values = np.asarray(values, np.float64)
    defined = ~np.isnan(values)
    if not defined.any():
        return None
    # Groups without a defined value are not drawn, or a resample could be empty.
    names, group = np.unique(np.asarray(groups)[defined], return_inverse=True)
    of = STATISTICS[statistic]
    value = of(values[defined], group, np.ones((1, len(names))))[0]
    return Estimate(*metrics.interval(value, of(values[defined], group, metrics.draws(len(names)))), int(defined.sum()))


def _means(values: np.ndarray, group: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return (B,): the mean of `values` (N,) in each resample, which holds group g `times[:, g]` times."""
    return times @ np.bincount(group, values) / (times @ np.bincount(group))


def _medians(values: np.ndarray, group: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The same for the median: the middle value, or the mean of the two in the middle."""
    order = np.argsort(values)
    upto = np.cumsum(times[:, group[order]], axis=1)  # (B, N): how many of a resample's scans lie at or below each
    scans = upto[:, -1:]
    lower, upper = ((upto <= middle).sum(axis=1) for middle in ((scans - 1) // 2, scans // 2))
    return (values[order][lower] + values[order][upper]) / 2


STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"mean": _means, "median": _medians}
