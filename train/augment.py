"""Augmentation: random changes of a training scan that keep its class.

Two families: movements (mirror, rotate, shift, zoom, squash, shear) and changes of grey values, from a little
contrast to the imitation of another sequence or scanner. Pixels are uint8 (h, w); air stays black throughout,
because a brighter background would be a shortcut.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from train.recipe import Recipe

_AIR = 10  # of 255: at most this is air, which no change of tone may light up

_COARSE = 0.03  # of the side: up to so many waves across the picture are coarse
_LEAST_RANGE = 110  # of 255, between dark and bright tissue: the lesion must stay visible


def augment(
    picture: np.ndarray,
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    side: int = 0,
    others: Sequence[np.ndarray] = (),
    place: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return uint8 (side, side): `picture` augmented as the recipe says; and `place` moved in the same way.

    `side` 0 keeps the size. `others` are training pictures whose grey values may be taken over.
    """
    height, width = picture.shape
    shape = (side or height, side or width)
    if not recipe.augment:
        return _resized(picture, shape), None if place is None else _resized(place, shape)
    matrix, mirrored = _movement(picture.shape, shape, recipe, rng)
    picture = _moved(picture, matrix, mirrored, shape)
    place = None if place is None else _moved(place, matrix, mirrored, shape)
    if recipe.erase and rng.random() < recipe.erase:
        picture = _erase(picture, rng)
    return relight(picture, recipe, rng, others), place


def relight(
    picture: np.ndarray, recipe: Recipe, rng: np.random.Generator, others: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Return uint8 (h, w): `picture` with other grey values, sharpness or compression."""
    air = picture <= _AIR
    if len(others) and rng.random() < recipe.match:
        picture = cv2.LUT(picture, _matching_curve(picture, others[rng.integers(len(others))]))
    if rng.random() < recipe.invert:
        picture = cv2.LUT(picture, _inverting_curve(picture))
    if rng.random() < recipe.curve:
        picture = cv2.LUT(picture, _random_curve(rng))
    if recipe.filter and rng.random() < recipe.filter:  # the new draws only where asked for: old recipes stay exact
        picture = _filtered(picture, air, rng)
    if recipe.fourier and len(others) and rng.random() < recipe.fourier:
        picture = _blended_spectrum(picture, others[rng.integers(len(others))], rng)
    if rng.random() < recipe.bias:
        picture = _shaded(picture, rng)
    if recipe.contrast or recipe.brightness:
        picture = cv2.LUT(picture, _tone_curve(picture, recipe, rng))
    if recipe.match or recipe.invert or recipe.curve or recipe.filter or recipe.fourier:
        picture = np.where(air, np.minimum(picture, _AIR), _legible(picture, air))
    if rng.random() < recipe.blur:
        picture = _softened(picture, rng)
    if recipe.noise:
        grain = rng.standard_normal(picture.shape, np.float32) * (255 * recipe.noise * rng.random())
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    if rng.random() < recipe.jpeg:
        _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
        picture = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)
    return picture


def _movement(
    shape: tuple[int, int], target: tuple[int, int], recipe: Recipe, rng: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """Return the affine matrix (2, 3) from pixels of `shape` to pixels of `target`, and whether to mirror first."""
    height, width = shape
    angle, lean = np.radians(rng.uniform(-1, 1, 2) * (recipe.rotate, recipe.shear))
    scale = rng.uniform(1 - recipe.zoom, 1 + recipe.zoom)
    wide = rng.uniform(1 - recipe.squash, 1 + recipe.squash) ** 0.5
    shift = rng.uniform(-recipe.shift, recipe.shift, 2) * (width, height)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1, np.tan(lean)], [0, 1]]) @ np.diag([scale * wide, scale / wide])
    grow = np.array([target[1] / width, target[0] / height])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    new_middle = grow * (middle + shift + 0.5) - 0.5
    linear = np.diag(grow) @ linear
    return np.column_stack([linear, new_middle - linear @ middle]), bool(rng.random() < recipe.flip)


def _moved(picture: np.ndarray, matrix: np.ndarray, mirrored: bool, shape: tuple[int, int]) -> np.ndarray:
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
    if shape[0] < 0.8 * picture.shape[0]:  # a bilinear look-up of far smaller pictures would alias
        picture = cv2.GaussianBlur(picture, (3, 3), 0.5 * picture.shape[0] / shape[0])
    return cv2.warpAffine(picture, matrix, shape[::-1], flags=cv2.INTER_LINEAR)


def _resized(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return picture if picture.shape == shape else cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA)


def _tone_curve(picture: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (256,): gain about the mean, offset and gamma, as one look-up table."""
    gain, gamma = rng.uniform(1 - recipe.contrast, 1 + recipe.contrast, 2)
    offset = rng.uniform(-recipe.brightness, recipe.brightness)
    values = np.linspace(0, 1, 256) ** gamma
    mean = float(picture.mean()) / 255
    curve = (values - mean) * gain + mean + offset
    curve[0] = min(curve[0], 0.0)  # air stays black: a lifted background would be a shortcut
    return np.round(255 * np.clip(curve, 0, 1)).astype(np.uint8)


def _matching_curve(picture: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return uint8 (256,): the curve that gives the tissue of `picture` the grey values of `other`'s tissue."""
    ours, theirs = (np.cumsum(np.bincount(p[p > _AIR], minlength=256)) for p in (picture, other))
    if not ours[-1] or not theirs[-1] or _span(theirs) < 40:
        return np.arange(256, dtype=np.uint8)  # no tissue, or so few grey values that nothing would be left to see
    return np.interp(ours / ours[-1], theirs / theirs[-1], np.arange(256)).astype(np.uint8)


def _span(cumulated: np.ndarray) -> int:
    """Return how many grey values lie between the 2nd and the 98th percentile of a cumulated histogram (256,)."""
    low, high = np.searchsorted(cumulated, np.array([0.02, 0.98]) * cumulated[-1])
    return int(high - low)


def _inverting_curve(picture: np.ndarray) -> np.ndarray:
    """Return uint8 (256,): bright for dark within the range of the tissue, as T2 is to T1."""
    tissue = picture[picture > _AIR]
    low, high = (float(x) for x in np.percentile(tissue, [1, 99])) if tissue.size else (0.0, 255.0)
    return np.clip(low + high - np.arange(256), 0, 255).astype(np.uint8)


def _random_curve(rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (256,): a smooth curve through random heights, mostly rising (as in Zhou et al. 2019).

    Models Genesis, https://arxiv.org/abs/1908.06912, draws such curves to teach what is anatomy, not grey.
    """
    heights = rng.random(4)
    if rng.random() < 0.8:
        heights.sort()
    heights = 0.5 * heights + 0.5 * np.linspace(0, 1, 4) if rng.random() < 0.5 else heights
    curve = np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, 4), heights)
    curve = cv2.GaussianBlur(curve.reshape(1, -1), (0, 0), 20).ravel()
    return np.round(255 * np.clip(curve, 0, 1)).astype(np.uint8)


def _filtered(picture: np.ndarray, air: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (h, w): `picture` blended with what a small random network makes of it, the tissue as bright.

    Global intensity non-linear augmentation (Ouyang et al. 2022, https://arxiv.org/abs/2111.12525), with two layers.
    """
    plain = picture.astype(np.float32) / 255
    maps = [plain]
    for channels in (2, 1):
        side = (1, 3)[rng.integers(2)]
        kernels = rng.standard_normal((channels, len(maps), side, side)).astype(np.float32)
        sums = [sum(cv2.filter2D(x, -1, k) for x, k in zip(maps, row, strict=True)) for row in kernels]
        sums = [x - rng.uniform(x.min(), x.max()) for x in sums]  # or one by one they would only scale the picture
        maps = [np.where(x > 0, x, 0.1 * x) for x in sums]
    tissue = maps[0][~air]
    if not tissue.size or tissue.std() < 1e-3:
        return picture
    likened = (maps[0] - tissue.mean()) / tissue.std() * plain[~air].std() + plain[~air].mean()
    share = np.float32(rng.random())
    return np.round(255 * np.clip(share * likened + (1 - share) * plain, 0, 1)).astype(np.uint8)


def _blended_spectrum(picture: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (h, w): `picture` whose coarse amplitudes lie between its own and `other`'s; the phases stay.

    Fourier domain adaptation (Yang and Soatto 2020, https://arxiv.org/abs/2004.05498), by a random share.
    """
    mine = np.fft.rfft2(picture.astype(np.float32))
    theirs = np.fft.rfft2(_resized(other, picture.shape).astype(np.float32))
    reach = round(_COARSE * picture.shape[0])
    rows, columns = np.r_[-reach : reach + 1], np.arange(round(_COARSE * picture.shape[1]) + 1)
    place, share = np.ix_(rows, columns), rng.random()
    amplitudes = (1 - share) * np.abs(mine[place]) + share * np.abs(theirs[place])
    mine[place] = amplitudes * np.exp(1j * np.angle(mine[place]))
    return np.clip(np.fft.irfft2(mine, picture.shape), 0, 255).astype(np.uint8)


def _legible(picture: np.ndarray, air: np.ndarray) -> np.ndarray:
    """Return uint8 (h, w) with the tissue's grey values spread out again, where chance has pressed them together."""
    tissue = picture[~air][::7]  # a seventh of the pixels tells the range
    low, high = np.percentile(tissue, [2, 98]) if tissue.size else (0, 255)
    if high - low >= _LEAST_RANGE:
        return picture
    values = (np.arange(256) - low) * (_LEAST_RANGE / max(1.0, high - low)) + min(low, 255 - _LEAST_RANGE)
    return cv2.LUT(picture, np.clip(values, 0, 255).astype(np.uint8))


def _shaded(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    coarse = rng.uniform(0.6, 1.3, (3, 3)).astype(np.float32)
    field = cv2.resize(coarse, picture.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(picture * field, 0, 255).astype(np.uint8)


def _softened(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape
    if rng.random() < 0.5:
        return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.3))
    share = rng.uniform(0.45, 0.9)
    small = cv2.resize(picture, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _erase(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape
    rows, columns = (rng.uniform(0.1, 0.3, 2) * (height, width)).astype(int)
    top, left = rng.integers(0, height - rows), rng.integers(0, width - columns)
    picture = picture.copy()
    picture[top : top + rows, left : left + columns] = 0
    return picture
