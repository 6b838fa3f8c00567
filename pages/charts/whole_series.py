"""A model's probabilities by slice of a series."""

from collections.abc import Sequence

import numpy as np

from explain.prediction_text import percent
from pages.charts.style import PALETTE, QUIET, graph_objects, styled

MOST = 6  # classes charted: more colours cannot be told apart

PER_CENT = {
    "tickvals": [0, 0.25, 0.5, 0.75, 1],
    "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"],
    "fixedrange": True,
    "showgrid": True,
    "gridcolor": "rgba(128, 136, 145, 0.25)",
    "zeroline": False,
}

_HEIGHT, _LEGEND = 310, 18  # pixels: without a legend, and per line of it: on a phone every class takes one
_MANY = 60  # slices: their dots would run into one band
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # colour is not the only difference


def lines(p: np.ndarray, names: Sequence[str], charted: Sequence[int], current: int):
    """Return a plotly figure: one line per class of `charted` over the slices, numbered from 1.

    `p` is float (N, K), NaN where nothing is predicted: a gap. The slice `current`, counted from 0, is marked.
    Behind the lines every slice has an invisible bar: a click anywhere over a slice selects the bar's point.
    """
    go = graph_objects()

    numbers = list(range(1, len(p) + 1))
    figure = go.Figure(
        go.Bar(
            x=numbers,
            y=[1.0] * len(p),
            width=1,
            marker={"color": "rgba(0, 0, 0, 0)", "line": {"width": 0}},
            selected={"marker": {"opacity": 0}},
            unselected={"marker": {"opacity": 0}},
            text=[_hover_text(row, names, charted) for row in p],
            textposition="none",
            hovertemplate="<b>Slice %{x}</b><br>%{text}<extra></extra>",
            showlegend=False,
        )
    )
    for place, k in enumerate(charted):
        figure.add_scatter(
            x=numbers,
            y=[None if np.isnan(each) else float(each) for each in p[:, k]],
            name=names[k],
            mode="lines" if len(p) > _MANY else "lines+markers",
            marker={"size": 4},
            line={"color": PALETTE[place % len(PALETTE)], "width": 2, "dash": _DASHES[place % len(_DASHES)]},
            connectgaps=False,
            hoverinfo="skip",
        )
    figure.add_vline(current + 1, line={"color": QUIET, "width": 2})
    figure.add_annotation(
        x=current + 1, y=1.0, yref="paper", yanchor="bottom", text=f"slice {current + 1}, open", showarrow=False
    )
    styled(figure, _HEIGHT + _LEGEND * len(charted)).update_layout(
        hovermode="closest",
        bargap=0,
        legend={"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0, "itemclick": False, "itemdoubleclick": False},
    )
    figure.update_xaxes(title="Slice", range=[0.5, len(p) + 0.5], fixedrange=True, showgrid=False, zeroline=False)
    figure.update_yaxes(title="Probability", range=[-0.02, 1.02], **PER_CENT)
    return figure


def _hover_text(row: np.ndarray, names: Sequence[str], charted: Sequence[int]) -> str:
    if np.isnan(row).any():
        return "not predicted"
    return "<br>".join(f"{names[k]}: {percent(row[k])}" for k in sorted(charted, key=lambda k: -row[k]))
