"""From stored values to pixels in [0, 1], and the window where a file has none."""

import numpy as np

from scans.scan import ScanError

_BACKGROUND = 0.02  # of all values: fewer that are the same and far from the others are no background
_AROUND = 0.5  # of the pixels at the edges of the slices, which a background covers
_FAR_SLICE = 8.0  # times the usual brightness of the slices of a volume: such a slice is not of the anatomy
_FEW = 0.05  # of the slices: more of them are a contrast of their own
_TAIL = 0.1  # per cent of the values left out at each end, as 3D Slicer does
SAMPLE = 4_000_000  # values that the tails are estimated from: sorting a volume would copy it
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
    if flat.size > SAMPLE:
        # A fixed stride could fall on the same column of every row.
        flat = flat[np.random.default_rng(0).integers(0, flat.size, SAMPLE)]
    bottom, top = np.percentile(flat, [_TAIL, 100 - _TAIL])
    return (float(bottom), float(top)) if top > bottom else (0.0, 1.0)


def place_window(low: float, high: float, span: tuple[float, float]) -> tuple[float, float] | None:
    """Return the window from `low` to `high`, in stored values, as shares of the span; None if it shows nothing.

    It may reach beyond [0, 1]: a window wider than the values is the file's own choice of contrast.
    """
    scale = span[1] - span[0]
    if scale <= 0 or high <= span[0] or low >= span[1]:
        return None
    return (low - span[0]) / scale, (high - span[0]) / scale


def darken_background(values: np.ndarray, white: bool = False) -> tuple[str, ...]:
    """Give a constant background far beyond the anatomy the anatomy's darkest value, in place; return notes.

    Programs fill what they cut away with a value of their own, -2000 or 65535, and a window over all values would then
    show the head black or white. `values` is float32 (n, H, W); `white`: the smallest value will be drawn white.
    """
    rims = [values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]]
    for extreme, pick in ((float(values.max()), np.max), (float(values.min()), np.min)):
        if np.mean([np.mean(rim == np.float32(extreme)) for rim in rims]) < _AROUND:
            continue
        sample = values.reshape(-1)[:: max(1, values.size // SAMPLE)]
        rest = sample[sample != extreme]
        if not 0 < rest.size < (1 - _BACKGROUND) * sample.size:
            continue
        dark, bright = np.percentile(rest, [_TAIL, 100 - _TAIL])
        if abs(extreme - float(pick(rest))) <= bright - dark or bright == dark:
            continue
        background = values == np.float32(extreme)
        fill(values, background, white)
        return (f"The background of this file has the value {extreme:g}, far from all others; it is shown black.",)
    return ()


def fill(values: np.ndarray, where: np.ndarray, white: bool = False) -> None:
    """Give the values at `where` the darkest of the others, in place; the brightest where `white`."""
    rest = np.max(values, where=~where, initial=-_LARGEST) if white else np.min(values, where=~where, initial=_LARGEST)
    np.copyto(values, np.float32(rest), where=where)


def slices_window(pixels: np.ndarray) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Return the `tails` of `pixels` (n, H, W) and notes; a slice far brighter than the others does not count."""
    step = max(1, pixels[0].size // 20_000)
    bright = np.array([np.percentile(page.reshape(-1)[::step], 100 - _TAIL) for page in pixels])
    usual = float(np.median(bright[bright > 0])) if (bright > 0).any() else 0.0
    far = np.flatnonzero(bright > _FAR_SLICE * usual)
    if not 0 < len(far) <= max(1, _FEW * len(pixels)) or len(pixels) < 4:
        return tails(pixels), ()
    return tails(np.delete(pixels, far, axis=0)), (
        f"{len(far)} of {len(pixels)} slices hold values up to {bright[far].max() / usual:.0f} times as large as the "
        "others; the window is that of the other slices.",
    )


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
