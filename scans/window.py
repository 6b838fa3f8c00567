"""From stored values to pixels in [0, 1], and the window where a file has none."""

import numpy as np

from scans.scan import ScanError

_TAIL = 0.1  # per cent of the values left out at each end, as 3D Slicer does
_SAMPLE = 4_000_000  # values that the tails are estimated from: sorting a volume would copy it
_LARGEST = 1e30  # beyond this a difference of two float32 overflows; no scanner writes such values


def stretch(values: np.ndarray) -> tuple[np.ndarray, tuple[float, float], tuple[float, float]]:
    """Return float32 pixels in [0, 1], the stored values that became 0 and 1, and the window to show.

    `values` has any shape; the slices of a volume, stretched together, share one span and one window.
    The window leaves out 0.1 % of the values at each end: a single hot pixel must not turn a 16-bit
    scan black. Raises ScanError where a value is not a number; `mend` takes those out.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.array(values, np.float32)
    if not np.isfinite(values).all():
        raise ScanError("Some pixels of this file are not numbers (NaN or infinite); export the series again.")
    span = stretch_in_place(values)
    return values, span, tails(values)


def stretch_in_place(values: np.ndarray) -> tuple[float, float]:
    """Scale finite float32 `values` to [0, 1] and return what became 0 and 1: a volume is not copied."""
    low, high = float(values.min()), float(values.max())
    values -= np.float32(low)
    if high > low:
        values /= np.float32(high - low)
    return low, high


def tails(pixels: np.ndarray) -> tuple[float, float]:
    """Return the window, within [0, 1], that leaves out the 0.1 % darkest and brightest of `pixels`."""
    flat = pixels.reshape(-1)
    if flat.size > _SAMPLE:
        # A fixed stride could fall on the same column of every row.
        flat = flat[np.random.default_rng(0).integers(0, flat.size, _SAMPLE)]
    bottom, top = np.percentile(flat, [_TAIL, 100 - _TAIL])
    return (float(bottom), float(top)) if top > bottom else (0.0, 1.0)


def place_window(low: float, high: float, span: tuple[float, float]) -> tuple[float, float] | None:
    """Return the window from `low` to `high`, in stored values, as a part of [0, 1]; None if it shows nothing."""
    if high <= span[0] or low >= span[1]:
        return None
    scale = span[1] - span[0]
    return max(0.0, (low - span[0]) / scale), min(1.0, (high - span[0]) / scale)


def mend(values: np.ndarray) -> tuple[str, ...]:
    """Replace NaN and infinity in float32 `values` by the smallest number, in place; return notes that say so.

    Programs that strip the skull leave NaN outside it. Raises ScanError if there is no number at all.
    """
    low, high = float(values.min()), float(values.max())
    if low > -_LARGEST and high < _LARGEST:  # False where a value is NaN, too
        return ()
    good = (values > -_LARGEST) & (values < _LARGEST)
    count = int(good.size - np.count_nonzero(good))
    if count == good.size:
        raise ScanError("No pixel of this file is a number (NaN or infinite); export the series again.")
    np.copyto(values, values.min(where=good, initial=_LARGEST), where=~good)
    return (
        f"{count} of {good.size} pixels are not numbers (NaN or infinite); they are shown as the file's darkest value.",
    )
