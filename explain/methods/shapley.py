"""Shapley values: SHAP over regions, and shap's own expected gradients.

Lundberg & Lee 2017, https://arxiv.org/abs/1705.07874, by shap's PartitionExplainer: the square is halved again
and again where it matters, and a half's share is its mean effect with the other visible and hidden (Owen values).
Hidden parts are blurred. shap's image masker builds its tree over single pixels; 500 evaluations never get there,
so ours halves a grid of 32 x 32 cells, which is the same tree down to its cells.
"""

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from explain.methods.gradients import healthy_heads
from explain.methods.sampling import numpy_seeded
from explain.refinement import MethodInput, RawMap

CELLS = 32  # per side of the grid
EVALUATIONS = 500
_STAGES = (100, 250, EVALUATIONS)
_BLUR = 16  # pixels: the kernel of shap's documented masker
_BATCH = 50


def shap_regions(given: MethodInput, evaluations: int = EVALUATIONS) -> Iterator[RawMap]:
    """Yield each cell's share of the logit's change from a blurred scan, signed, float32 (32, 32), in logit per cell.

    The shares add up to that change, and do not depend on the seed.
    """
    import shap

    scored: dict[bytes, float] = {}  # a finer stage repeats the masks of a coarser one

    def scores(masks: np.ndarray) -> np.ndarray:
        keys = [mask.tobytes() for mask in masks]
        fresh = {key: mask for key, mask in zip(keys, masks, strict=True) if key not in scored}
        if fresh:
            visible = _enlarged(np.stack(list(fresh.values())).reshape(-1, CELLS, CELLS), given.square.shape[:2])
            batch = np.where(visible[..., None], given.square, blurred)
            scored.update(zip(fresh, given.scores(batch).tolist(), strict=True))
        return np.array([scored[key] for key in keys])

    blurred = cv2.blur(given.square, (_BLUR, _BLUR)).reshape(given.square.shape)
    for stage in (*(s for s in _STAGES if s < evaluations), evaluations):
        explainer = shap.PartitionExplainer(scores, _grid_masker())
        with numpy_seeded(0, given.clock):  # shap tosses a coin between halves that matter equally
            shares = explainer(np.ones((1, CELLS * CELLS)), max_evals=stage, batch_size=_BATCH, silent=True)
        values = shares.values.reshape(CELLS, CELLS).astype(np.float32)
        yield RawMap(values, len(scored), stage / evaluations)


def _grid_masker():
    """Return shap's kind of masker over CELLS x CELLS cells; a masked sample is the mask itself."""
    from shap.maskers import Masker

    class Grid(Masker):
        shape = (1, CELLS * CELLS)
        clustering = _tree()
        fixed_background = False
        immutable_outputs = True

        def __call__(self, mask, x):
            return (np.broadcast_to(mask, self.shape) if mask is not None else np.zeros(self.shape, bool),)

    return Grid()


@lru_cache(maxsize=1)
def _tree() -> np.ndarray:
    from shap.maskers import Image

    return Image(0, shape=(CELLS, CELLS, 1)).clustering


def _enlarged(cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return bool (N, h, w) of bool (N, CELLS, CELLS)."""
    rows, columns = ((np.arange(side) * CELLS) // side for side in shape)
    return cells.astype(bool)[:, rows][:, :, columns]


def gradient_explainer(given: MethodInput, samples: int = 200) -> Iterator[RawMap]:
    """Yield shap's GradientExplainer for the target from synthetic healthy heads, signed, in logit per pixel."""
    given.clock.check()
    with numpy_seeded(given.seed, given.clock):
        values = _gradient_explainer(given.model.network, given.model.card.input)(
            given.square[None],
            nsamples=samples,
            ranked_outputs=np.array([[given.target]]),
            output_rank_order="custom",  # its "max_abs" takes the smallest
            rseed=given.seed,
        )[0]
    yield RawMap(np.asarray(values, np.float32)[0, ..., 0].sum(axis=-1), samples)


@lru_cache(maxsize=2)
def _gradient_explainer(network, spec):
    import shap

    from model_zoo.logits import logits_of

    return shap.GradientExplainer(logits_of(network), np.array(healthy_heads(spec))).shap_values
