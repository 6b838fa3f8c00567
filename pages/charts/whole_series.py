"""How do a model's probabilities run through a series, slice by slice?"""

from collections.abc import Sequence

import numpy as np

from explain.prediction_text import percent
from pages.charts.style import PALETTE, QUIET, styled

MOST = 6  # classes drawn: more colours cannot be told apart

PER_CENT = {
    "tickvals": [0, 0.25, 0.5, 0.75, 1],
    "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"],
    "fixedrange": True,
    "showgrid": True,
    "gridcolor": "rgba(128, 136, 145, 0.25)",
    "zeroline": False,
}

_HEIGHT, _LEGEND = 280, 18  # pixels: without a legend, and a line of it, for on a phone every class takes one
_MANY = 60  # slices: their dots would run into one band
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # colour is not the only difference


def lines(p: np.ndarray, names: Sequence[str], drawn: Sequence[int], current: int):
    """Return a plotly figure: a line for each class of `drawn` over the slices, 1 being the first.

    `p` is (N, K), NaN where a slice was not asked about: a gap in the lines. The slice `current`, from 0, is marked.
    Behind the lines every slice has a bar that is not seen: a click anywhere over a slice selects the bar's point.
    """
    import plotly.graph_objects as go

    numbers = list(range(1, len(p) + 1))
    figure = go.Figure(
        go.Bar(
            x=numbers,
            y=[1.0] * len(p),
            width=1,
            marker={"color": "rgba(0, 0, 0, 0)", "line": {"width": 0}},
            selected={"marker": {"opacity": 0}},
            unselected={"marker": {"opacity": 0}},
            text=[_told(row, names, drawn) for row in p],
            textposition="none",
            hovertemplate="<b>Slice %{x}</b><br>%{text}<extra></extra>",
            showlegend=False,
        )
    )
    for place, k in enumerate(drawn):
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
        x=current + 1, y=1.0, yref="paper", yanchor="bottom", text=f"slice {current + 1}, shown", showarrow=False
    )
    styled(figure, _HEIGHT + _LEGEND * len(drawn)).update_layout(
        hovermode="closest",
        bargap=0,
        legend={"orientation": "h", "y": -0.12, "yanchor": "top", "x": 0, "itemclick": False, "itemdoubleclick": False},
    )
    figure.update_xaxes(range=[0.5, len(p) + 0.5], fixedrange=True, showgrid=False, zeroline=False)
    figure.update_yaxes(range=[-0.02, 1.02], **PER_CENT)
    return figure


def _told(row: np.ndarray, names: Sequence[str], drawn: Sequence[int]) -> str:
    if np.isnan(row).any():
        return "blank: not asked about"
    return "<br>".join(f"{names[k]}: {percent(row[k])}" for k in sorted(drawn, key=lambda k: -row[k]))
