"""Agreement of several maps of one scan, in the scan's pixels within the head.

Two measures. Spearman's rank correlation compares whole maps: 1 where both order the pixels alike, 0
for unrelated maps, below 0 where one is bright and the other dark. The overlap compares
what a user sees: of the pixels that are among the strongest of either map, the share that is among those of both.
Only evidence for the class counts, as in the evaluation: evidence against it is 0 here, since few methods keep it.

The limit: two models that learnt the same shortcut agree about it, and coarse maps agree more easily than fine ones.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from scans import Scan
from scans.head import head_mask

NEITHER, BOTH, FIRST, SECOND = range(4)  # values of `overlap_map`
# Red, green and blue of its parts. Distinct for every kind of colour vision, from each other and from the scan's greys
# (simulated after Machado et al. 2009, https://doi.org/10.1109/TVCG.2009.113), over dark tissue and bright.
COLOURS = {BOTH: (246, 231, 90), FIRST: (47, 127, 224), SECOND: (217, 95, 2)}
STRONGEST = 0.1  # default share of the head's pixels that counts as the strongest

_LONGEST = 512  # pixels per side: of a larger map every second or third is enough, and ranking 25 million takes seconds
_CLOSELY, _PARTLY = 0.7, 0.4  # rank correlations from which maps agree closely or partly


def head_of(scan: Scan) -> np.ndarray:
    """Return bool (H, W): where the head is; everywhere if none is found."""
    mask = head_mask(scan.windowed())
    return mask if mask.any() else np.ones_like(mask)


def agreement(maps: Mapping[str, np.ndarray], head: np.ndarray) -> np.ndarray:
    """Return the rank correlations (N, N), -1 to 1, of each two of the maps (H, W) within `head`, bool (H, W).

    NaN if one of the two is the same everywhere, and so has no ranks.
    Raises ValueError for other shapes and for maps that are not finite.
    """
    _check(maps, head)
    step = -(-max(head.shape) // _LONGEST)
    inside = head[::step, ::step]
    ranks = [rankdata(_evidence(heat)[::step, ::step][inside]) for heat in maps.values()]
    matrix = np.full((len(ranks), len(ranks)), np.nan)
    centred = [rank - rank.mean() if rank.size else rank for rank in ranks]
    lengths = [float(np.sqrt((rank**2).sum())) for rank in centred]
    for i, j in np.ndindex(matrix.shape):
        if lengths[i] > 0 and lengths[j] > 0:
            matrix[i, j] = np.clip(centred[i] @ centred[j] / (lengths[i] * lengths[j]), -1, 1)
    return matrix


def strongest(heat: np.ndarray, head: np.ndarray, share: float = STRONGEST) -> np.ndarray:
    """Return bool (H, W): the strongest `share` of the head's pixels in a map, and above 0.

    Pixels of one value are never told apart by where they lie: where several tie for the last place, all are in, so a
    map of few large regions marks more. A map without evidence in the head marks nothing.
    """
    _check({"": heat}, head)
    if not 0 < share <= 1:
        raise ValueError(f"the share of the strongest pixels is {share}; use a number above 0, up to 1")
    inside = np.where(head, _evidence(heat), 0)
    wanted = max(1, round(share * int(head.sum())))
    last = np.partition(inside.ravel(), -wanted)[-wanted]
    return head & (inside > 0) & (inside >= last)


def overlap(first: np.ndarray, second: np.ndarray, head: np.ndarray, share: float = STRONGEST) -> float:
    """Return what share, 0 to 1, of the pixels that either map marks as its strongest both mark.

    NaN if one of them marks nothing.
    """
    a, b = (strongest(heat, head, share) for heat in (first, second))
    return float((a & b).sum() / (a | b).sum()) if a.any() and b.any() else float("nan")


def overlap_by_chance(share: float = STRONGEST) -> float:
    """Return the overlap, 0 to 1, of two maps that mark `share` of the head each at random."""
    return share / (2 - share)


def overlap_map(first: np.ndarray, second: np.ndarray, head: np.ndarray, share: float = STRONGEST) -> np.ndarray:
    """Return uint8 (H, W): NEITHER, BOTH, FIRST or SECOND, by the maps that have a pixel among their strongest."""
    a, b = (strongest(heat, head, share) for heat in (first, second))
    pixels = np.full(head.shape, NEITHER, np.uint8)
    pixels[a & b], pixels[a & ~b], pixels[b & ~a] = BOTH, FIRST, SECOND
    return pixels


def agreement_sentence(matrix: np.ndarray, names: Sequence[str], who: str) -> str:
    """Return one sentence on a matrix of `agreement`; `names` are of its rows, `who` of all of them: "the models"."""
    rows, columns = np.triu_indices(len(names), 1)
    values = matrix[rows, columns]
    defined = np.flatnonzero(~np.isnan(values))
    if not defined.size:
        return f"Fewer than two maps of {who} to compare."
    middle = float(np.median(values[defined]))
    agree = "agree closely" if middle >= _CLOSELY else "agree partly" if middle >= _PARTLY else "hardly agree"
    most, least = (defined[pick(values[defined])] for pick in (np.argmax, np.argmin))
    pairs = [f"{names[rows[k]]} and {names[columns[k]]} ({_signed(values[k])})" for k in (most, least)]
    if defined.size == 1:
        return f"The maps of {pairs[0].replace(' (', f' {agree} (rank correlation ')}."
    return f"The maps of {who} {agree} (rank correlation): most {pairs[0]}, least {pairs[1]}."


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def _evidence(heat: np.ndarray) -> np.ndarray:
    return np.maximum(heat, 0)


def _check(maps: Mapping[str, np.ndarray], head: np.ndarray) -> None:
    if head.ndim != 2 or head.dtype != bool or not head.any():
        raise ValueError(f"the head must be bool (H, W) and not empty; it is {head.dtype} {head.shape}")
    for name, heat in maps.items():
        if heat.shape != head.shape:
            raise ValueError(
                f"map {name!r} is {heat.shape} and the head {head.shape}; both must be in the scan's pixels"
            )
        if not np.isfinite(heat).all():
            raise ValueError(f"map {name!r} holds values that are not finite")
