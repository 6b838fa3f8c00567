"""The probabilities without a region of the scan, or with it alone."""

from collections.abc import Sequence

import numpy as np

from explain.prediction_text import percent
from pages.charts.style import PALETTE, graph_objects, styled
from pages.charts.whole_series import PER_CENT

_MARKERS = {"erase": ("Removed", "circle"), "keep": ("Region only", "diamond"), "move": ("Moved", "square")}
_RING = "#8a949e"
_ROW = 40  # pixels per class
_APART = 0.28  # of a row, from one change to the next


def changes(names: Sequence[str], before: Sequence[float], after: dict[str, Sequence[float]]):
    """Return a plotly figure: per class a ring at its probability `before`, joined to a dot at that `after`.

    `names` and probabilities are in one order, the first class on top; `after` holds them by action, in [0, 1].
    """
    go = graph_objects()

    figure = go.Figure()
    rows = np.arange(len(names))
    ring = {"color": _RING, "size": 11, "symbol": "circle-open", "line": {"width": 2}}
    for place, (action, p) in enumerate(after.items()):
        (title, symbol), colour = _MARKERS[action], PALETTE[place]
        y = (rows + _APART * (place - (len(after) - 1) / 2)).tolist()
        lines = [(x, at) for old, new, at in zip(before, p, y, strict=True) for x in (old, new, None)]
        figure.add_scatter(
            x=[x for x, _ in lines],
            y=[at for _, at in lines],
            mode="lines",
            line={"color": colour, "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=list(before), y=y, mode="markers", name="Before", marker=ring, hoverinfo="skip", showlegend=place == 0
        )
        figure.add_scatter(
            x=list(p),
            y=y,
            mode="markers",
            name=title,
            marker={"color": colour, "size": 9, "symbol": symbol},
            text=[f"{name}: {percent(old)} → {percent(new)}" for name, old, new in zip(names, before, p, strict=True)],
            hovertemplate="%{text}<extra>" + title + "</extra>",
        )
    styled(figure, _ROW * len(names) + 92).update_layout(
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "itemclick": False, "itemdoubleclick": False},
        hovermode="closest",
    )
    figure.update_xaxes(title="Probability", range=[-0.03, 1.03], **PER_CENT)
    figure.update_yaxes(
        title="Class",
        tickvals=rows.tolist(),
        ticktext=list(names),
        range=[len(names) - 0.5, -0.5],
        fixedrange=True,
        showgrid=False,
        zeroline=False,
    )
    return figure
