"""Localisation: whether a map lies on the annotated tumour.

Six measures of one map against one mask (the union of a scan's boxes), each with a closed form:

- the pointing game, Zhang et al. 2018, https://arxiv.org/abs/1608.00507, without its tolerance of 15 pixels;
- the energy-based pointing game, Wang et al. 2020, https://arxiv.org/abs/1910.01279, and its lift over an
  uninformative map: a tumour of 3 % of the picture turns an energy of 0.09 into a lift of 3;
- rank accuracy, Arras et al. 2022, https://arxiv.org/abs/2003.07258, and the overlap of the same pixels.

Pixels of one value are never told apart by where they lie. If a choice among them is needed, the value is what a
random choice gives on average, so an uninformative map scores like a guess, neither as a hit nor as a miss.

The limit: a box is more than the tumour, a model may rightly use areas outside it (oedema, midline shift),
and a map on the tumour need not be the reason for the prediction.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Localisation:
    """How well one map fits one mask. Higher is better; a map of one value has a lift of 1."""

    pointing: float  # 1 where the peak lies in the mask, else 0; the share of the peaks that do, where several tie
    energy: float  # 0 to 1: the share of the map's sum that lies in the mask
    lift: float  # 0 up: the energy over the mask's share of the picture
    head_lift: float  # 0 up: the same within the head; NaN where mask and head do not meet
    rank_accuracy: float  # 0 to 1: the share of the map's top pixels, as many as the mask has, that lie in the mask
    iou: float  # 0 to 1: intersection over union of the mask and these top pixels


def localise(heat: np.ndarray, mask: np.ndarray, head: np.ndarray) -> Localisation | None:
    """Return how well `heat` fits `mask`; None where the mask is empty, since no map can point at a tumour then.

    `heat` is float (H, W) in the scan's pixels, of which only the positive part counts: evidence for the class.
    `mask` and `head` are bool (H, W). A map without a positive value counts as the same everywhere; a map without
    one in the head counts so there. Raises ValueError for other shapes or kinds, and for a map that is not finite.
    """
    _check(heat, mask, head)
    if not mask.any():
        return None
    positive = np.maximum(heat, 0).astype(np.float64)
    if not positive.any():
        positive = np.ones_like(positive)
    peaks = positive == positive.max()
    energy = positive[mask].sum() / positive.sum()
    wanted = int(mask.sum())
    hits = _hits(positive.ravel(), mask.ravel(), wanted)
    return Localisation(
        pointing=float(mask[peaks].mean()),
        energy=float(energy),
        lift=float(energy / mask.mean()),
        head_lift=_lift_within(positive[head], mask[head]),
        rank_accuracy=hits / wanted,
        iou=hits / (2 * wanted - hits),
    )


def _lift_within(positive: np.ndarray, mask: np.ndarray) -> float:
    """Return the lift among the pixels given, (n,) each."""
    if not mask.any():
        return float("nan")
    if not positive.any():
        return 1.0
    return float(positive[mask].sum() / positive.sum() / mask.mean())


def _hits(values: np.ndarray, mask: np.ndarray, wanted: int) -> float:
    """Return how many of the `wanted` highest values (n,) lie in the mask, on average over the orders of ties."""
    threshold = np.partition(values, -wanted)[-wanted]
    above, tied = values > threshold, values == threshold
    places = wanted - np.count_nonzero(above)  # at least one, to be shared among all that tie
    return float(np.count_nonzero(above & mask) + places * mask[tied].mean())


def _check(heat: np.ndarray, mask: np.ndarray, head: np.ndarray) -> None:
    if heat.ndim != 2 or not heat.shape == mask.shape == head.shape:
        raise ValueError(
            f"map, mask and head must be of one shape (H, W); they are {heat.shape}, {mask.shape} and {head.shape}. "
            "Bring the map into the scan's pixels first: Placement.to_scan"
        )
    # As an index, 0 and 1 pick the first two rows, and no error would follow.
    if mask.dtype != bool or head.dtype != bool:
        raise ValueError(f"mask and head must be bool; they are {mask.dtype} and {head.dtype}")
    if not np.isfinite(heat).all():
        raise ValueError("the map holds values that are not finite")
