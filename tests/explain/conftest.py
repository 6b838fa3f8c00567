"""A hand-made explanation, of which every field is known."""

import numpy as np

from explain import Explanation


def explanation(**changes) -> Explanation:
    """Return a Grad-CAM map of 3 x 4 pixels, 0 to 11; `changes` overwrite its fields, and `raw` is like `heat`."""
    heat = changes.get("heat", np.arange(12, dtype=np.float32).reshape(3, 4))
    facts = {
        "heat": heat,
        "raw": heat,
        "method": "gradcam",
        "engine": "compiled",
        "unit": "logit × activation",
        "model": "tiny-phantom4",
        "weights": "a" * 64,
        "target": "glioma",
        "predicted": "notumor",
        "probabilities": (0.25, 0.05, 0.6, 0.1),
        "probability": 0.25,
        "scan": "b" * 64,
        "slice": 0,
        "plane": "",
        "stack": "",
        "grey_range": (0.0, 255.0),
        "settings": (("tap", "last"),),
        "seed": 0,
        "seconds": 0.01,
        "evaluations": 2,
    }
    return Explanation(**facts | changes)
