"""Controls: maps that know nothing of the model.

Four such maps are scored beside every method on the same scans. A method that does not beat them is uninformative:
tumours lie near the centre of the head, their rims are bright, and a measure may favour coarse maps over fine ones.
Adebayo et al. 2018, https://arxiv.org/abs/1810.03292, found methods that were no better than an edge detector.
"""

from collections.abc import Callable

import cv2
import numpy as np

from scans import resize

_CELLS = 20  # of the random map along the longer side: as coarse as a class activation map
_SMOOTHING = 1.0  # pixels, before edges are sought: without it they are those of the noise


def random(unit: np.ndarray, head: np.ndarray, seed: int) -> np.ndarray:
    """Return uniform noise in [0, 1], float32 (h, w), in soft cells of a twentieth of the longer side."""
    cell = max(unit.shape) / _CELLS
    grid = tuple(max(1, round(side / cell)) for side in unit.shape)
    return resize(np.random.default_rng(seed).random(grid, np.float32), unit.shape)


def centre(unit: np.ndarray, head: np.ndarray, seed: int) -> np.ndarray:
    """Return a Gaussian on the head's centre of mass, float32 (h, w), 0 to 1.

    Its sigma is a sixth of the head's width, taken as that of the disc of the same area. Raises ValueError for
    an empty head.
    """
    if not head.any():
        raise ValueError("no pixel of the picture is in the head, so it has no centre")
    sigma = 2 * np.sqrt(head.sum() / np.pi) / 6
    rows, columns = np.nonzero(head)
    down, right = np.ogrid[: head.shape[0], : head.shape[1]]
    distance = (down - rows.mean()) ** 2 + (right - columns.mean()) ** 2  # (h, w), in square pixels
    return np.exp(-distance / (2 * sigma**2)).astype(np.float32)


def edges(unit: np.ndarray, head: np.ndarray, seed: int) -> np.ndarray:
    """Return the steepness of the lightly smoothed picture in the head, float32 (h, w), >= 0; 0 outside it.

    It is the length of Sobel's gradient, in the picture's unit per pixel: 1 for a ramp that rises by 1 per pixel.
    """
    smooth = cv2.GaussianBlur(unit.astype(np.float32), (0, 0), _SMOOTHING)
    down, right = (cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((0, 1), (1, 0)))
    return np.where(head, np.hypot(down, right), np.float32(0))


def uniform(unit: np.ndarray, head: np.ndarray, seed: int) -> np.ndarray:
    """Return ones, float32 (h, w): the map that ranks nothing."""
    return np.ones(unit.shape, np.float32)


# name -> map, from the model's square as one picture (h, w) in [0, 1], where the head is, bool (h, w), and a seed
CONTROLS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "random": random,
    "centre": centre,
    "edges": edges,
    "uniform": uniform,
}
