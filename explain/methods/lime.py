"""LIME over superpixels of the head: what each region adds to the logit.

Ribeiro et al. 2016, https://arxiv.org/abs/1602.04938, by the lime package: regions are hidden at random, and a
linear model that weights near samples more gives what each region adds to the logit. It depends on chance unless
there are some fifteen samples per region, so the regions are few. Kernel, distance and fit are lime's; which regions a
sample hides is not drawn region by region but in balanced sets, of which a third as many are enough.
"""

from collections.abc import Iterator

import numpy as np

from explain.methods.balanced_masks import balanced_masks
from explain.methods.gradients import doubling
from explain.refinement import MethodInput, RawMap

REGIONS = 40  # inside the head; the air around it is one more
SETS = 5  # of balanced samples: 128 each where there are 33 to 64 regions
_EVERY_REGION = 10**6  # lime keeps the strongest so many: all of them
_BATCH = 64  # scans held in memory at once
_POOR = 0.5  # R2 below which the linear model does not follow the network


def lime(given: MethodInput, sets: int = SETS) -> Iterator[RawMap]:
    """Yield each region's weight, signed, in logit per region, on the model's square; notes lime's R2."""
    from lime.lime_image import LimeImageExplainer
    from sklearn.metrics import pairwise_distances  # takes a second to import, so pages import it on first use

    explainer = LimeImageExplainer(random_state=given.seed)  # a used one gives another map
    rng = np.random.default_rng(given.seed)
    regions = superpixels(given)
    count = int(regions.max()) + 1
    hidden = with_means(given.square, regions)
    visible, scores = np.ones((1, count), np.uint8), given.scores(given.square[None])  # lime's first sample: the scan
    for taken, more in doubling(1, sets):
        new = np.concatenate([balanced_masks(count, rng) for _ in range(more)])
        for part in np.array_split(new, -(-len(new) // _BATCH)):
            batch = np.where(part[:, regions, None] == 1, given.square, hidden).astype(np.float32)
            scores = np.concatenate([scores, given.scores(batch)])
        visible = np.concatenate([visible, new])
        distances = pairwise_distances(visible, visible[:1], metric="cosine").ravel()
        _, weights, r2, _ = explainer.base.explain_instance_with_data(
            visible, scores[:, None], distances, 0, _EVERY_REGION, feature_selection="auto"
        )
        of_region = np.zeros(count, np.float32)
        of_region[[region for region, _ in weights]] = [weight for _, weight in weights]
        yield RawMap(of_region[regions], len(scores), taken / sets, _fit_note(float(r2)))


def _fit_note(r2: float) -> tuple[str, ...]:
    end = "; a poor fit: the map is approximate." if r2 < _POOR else "."
    return (f"R2 of LIME's linear model: {r2:.2f}{end}",)


def superpixels(given: MethodInput, regions: int = REGIONS) -> np.ndarray:
    """Return int (h, w): 0 to n - 1 inside the head, n outside it, if there is an outside.

    SLIC (Achanta et al. 2012, https://doi.org/10.1109/TPAMI.2012.120). Numbers begin at 0: lime would take
    labels from 1 for one region more than there is, and never hide the last.
    """
    from skimage.segmentation import slic

    picture, head = given.unit, given.head
    segments = slic(picture, n_segments=regions, compactness=0.08, sigma=1, start_label=1, channel_axis=None, mask=head)
    numbers, labels = np.unique(segments, return_inverse=True)
    labels = labels.reshape(segments.shape)
    return (labels - 1) % len(numbers) if numbers[0] == 0 else labels


def with_means(square: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the square (h, w, c) with every region's mean colour, as lime hides a region."""
    numbers = regions.ravel()
    sizes = np.bincount(numbers)
    means = [np.bincount(numbers, square[..., c].ravel()) / sizes for c in range(square.shape[-1])]
    return np.stack(means, axis=-1)[regions].astype(np.float32)
