"""How is a model's answer said, in words and as bars, without sounding surer than it is?"""

from collections.abc import Sequence

import numpy as np

ACCENT, QUIET = "#5b9bb0", "rgba(128, 136, 145, 0.55)"  # both readable on black and on paper
_BAR, _THIN = 26, 14  # pixels a class: thin where there are many, or they push the scan off the screen
_MANY = 8


def percent(p: float) -> str:
    """Return a probability for a reader: "97 %", but never a flat 0 or 100."""
    if p < 0.01:
        return "under 1 %"
    return "over 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def in_words(names: Sequence[str], p: np.ndarray) -> str:
    """Return one sentence on how sure the model is. `p` is (K,), summing to 1, in the order of `names`."""
    first, second = np.argsort(-p, kind="stable")[:2]
    how = "is sure of this answer" if p[first] >= 0.9 else "leans to this answer" if p[first] >= 0.6 else "is undecided"
    return (
        f"The model {how}: it gives {percent(p[first])} to {names[first]} and {percent(p[second])} to its second "
        f"choice, {names[second]}."
    ).replace(" %", "\u00a0%")  # a line must not begin with the sign


def bars(names: Sequence[str], p: np.ndarray, explained: int):
    """Return a plotly figure: one bar a class, most probable on top, the class explained in the accent."""
    import plotly.graph_objects as go

    order = np.argsort(p, kind="stable")  # plotly draws from below
    many = len(names) > _MANY
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
        height=(_THIN if many else _BAR) * len(names) + 10,
        font={"size": 10 if many else 12},
        margin={"l": 0, "r": 72, "t": 4, "b": 4},
        bargap=0.35,
        showlegend=False,
        xaxis={"range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={"automargin": True, "fixedrange": True, "ticks": "", "ticklabelstandoff": 8, "dtick": 1},
    )
    return figure
