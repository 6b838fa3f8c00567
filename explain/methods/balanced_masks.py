"""Sets of random masks in which every two regions are shown together equally often.

A Hadamard matrix (Plackett & Burman 1946, https://doi.org/10.1093/biomet/33.4.305) with each mask's complement beside
it (folded over: Box & Wilson 1951, https://doi.org/10.1111/j.2517-6161.1951.tb00067.x): a region's effect is then free
of the effects of all other regions and of all pairs. Masks drawn region by region need some three times as many to know
as much (`python -m benchmarks.sampling`).
"""

import numpy as np


def balanced_masks(regions: int, seed: np.random.Generator | int) -> np.ndarray:
    """Return uint8 (n, regions), 1 where a region is shown; n is twice the least power of 2 that is >= regions.

    Each region is shown in half of the masks, each two regions together in a quarter. Two calls of one generator give
    sets that are independent of each other.
    """
    from scipy.linalg import hadamard

    rng = np.random.default_rng(seed)
    size = 1 << (int(regions) - 1).bit_length()
    columns = rng.permutation(size)[:regions]
    half = hadamard(size)[rng.permutation(size)][:, columns] * rng.choice([-1, 1], regions)
    pairs = np.stack([half, -half], axis=1).reshape(2 * size, regions)  # a mask, and after it its complement
    return (pairs > 0).astype(np.uint8)
