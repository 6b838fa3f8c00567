"""The probabilities of all classes as bars."""

from collections.abc import Sequence

import numpy as np

from explain.prediction_text import percent
from pages.charts.style import CLASSES, PROBABILITY, QUIET, graph_objects

ACCENT = "#5b9bb0"  # the colour of the logo; legible on black and on paper
_BAR, _THIN = 26, 14  # pixels per class: thin where there are many, or they push the scan off the screen
_MANY = 8


def probability_bars(names: Sequence[str], p: np.ndarray, explained: int):
    """Return one bar per class, the most probable on top, the class `explained` (an index) in the accent.

    `p` is float (K,), the probabilities in the order of `names`.
    """
    order = np.argsort(p, kind="stable")  # plotly draws from below
    many = len(names) > _MANY
    go = graph_objects()
    figure = go.Figure(
        go.Bar(
            x=p[order].tolist(),
            y=[names[k] for k in order],
            text=[percent(p[k]) for k in order],
            marker={"color": [ACCENT if k == explained else QUIET for k in order], "line": {"width": 0}},
            orientation="h",
            textposition="outside",
            cliponaxis=False,
        )
    )
    figure.update_layout(
        height=(_THIN if many else _BAR) * len(names) + 32,
        font={"size": 10 if many else 12},
        margin={"l": 0, "r": 72, "t": 4, "b": 26},
        bargap=0.35,
        showlegend=False,
        xaxis=PROBABILITY,
        yaxis=CLASSES,
    )
    return figure
