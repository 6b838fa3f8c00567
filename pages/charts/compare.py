"""Charts of several models' probabilities, and of the agreement of several maps."""

from collections.abc import Sequence

import numpy as np

from explain.prediction_text import list_of_probabilities, percent
from pages.charts.style import CLASSES, EVEN, PALETTE, PROBABILITY, graph_objects, styled

_BAR, _GAP = 17, 12  # pixels: a bar, and between two classes
_CELL = 54  # pixels
NO_CLASS, NO_PREDICTION = "no such class", "no prediction"


def probabilities(models: Sequence[str], names: Sequence[str], shares: np.ndarray, held: np.ndarray):
    """Return a plotly figure: for each class one bar per model, the first class on top.

    `shares`, float (models, classes), are probabilities, NaN where a model gave no prediction; `held`, bool of that
    shape, is True where a model has the class.
    """
    go = graph_objects()

    figure = go.Figure()
    for row, model in enumerate(models):
        given = zip(shares[row], held[row], strict=True)
        texts = [NO_CLASS if not has else NO_PREDICTION if np.isnan(p) else percent(p) for p, has in given]
        figure.add_bar(
            name=model,
            x=np.nan_to_num(shares[row]).tolist(),
            y=list(names),
            text=[text.replace(" %", "\u00a0%") for text in texts],
            orientation="h",
            marker={"color": PALETTE[row % len(PALETTE)], "line": {"width": 0}},
            textposition="outside",
            textfont={"size": 11},
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra>%{fullData.name}</extra>",
        )
    figure = styled(figure, height=(_BAR * len(models) + _GAP) * len(names) + 64)
    figure.update_layout(
        barmode="group",
        bargap=_GAP / (_BAR * len(models) + _GAP),
        bargroupgap=0.08,
        margin={"l": 0, "r": 64, "t": 34, "b": 0},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "xanchor": "left", "traceorder": "normal"},
        xaxis=PROBABILITY,
        yaxis=CLASSES | {"autorange": "reversed"},
    )
    return figure


def probabilities_in_words(models: Sequence[str], names: Sequence[str], shares: np.ndarray, held: np.ndarray) -> str:
    """Return what `probabilities` shows of the same, without the models that gave no prediction."""
    return "Probability that each model gives to each class. " + " ".join(
        f"{model}: {list_of_probabilities([names[k] for k in np.flatnonzero(own)], p[own])}."
        for model, p, own in zip(models, shares, held, strict=True)
        if np.isfinite(p[own]).all()
    )


def matrix(values: np.ndarray, names: Sequence[str], what: str):
    """Return a plotly figure of rank correlations (N, N): each pair once, on an even colour scale from 0 to 1.

    `what` the names are: "Method" or "Model".

    A value below 0 has the colour of 0 and its own number; NaN, where a map is constant, is left clear with a dash.
    """
    go = graph_objects()

    rows, columns = names[1:], names[:-1]
    below = np.tri(len(rows), dtype=bool)
    shown = np.where(below, values[1:, :-1], np.nan)
    texts = np.where(np.isnan(shown), "–", np.vectorize(lambda v: f"{v:.2f}".replace("-", "\N{MINUS SIGN}"))(shown))
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            x=[name.replace("-", "-<br>").replace(" ", "<br>") for name in columns],  # three fit a phone
            y=list(rows),
            text=np.where(below, texts, ""),
            texttemplate="%{text}",
            colorscale=EVEN,
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{y} and %{x}: %{text}<extra></extra>",
        )
    )
    figure = styled(figure, height=_CELL * len(rows) + 94)
    figure.update_layout(
        margin={"l": 0, "r": 8, "t": 4, "b": 0},
        xaxis={
            "title": what,
            "fixedrange": True,
            "showgrid": False,
            "ticks": "",
            "tickangle": 0,
            "tickfont": {"size": 11},
        },
        yaxis={
            "title": what,
            "autorange": "reversed",
            "fixedrange": True,
            "showgrid": False,
            "ticks": "",
            "ticklabelstandoff": 6,
            "tickfont": {"size": 11},
        },
    )
    return figure
