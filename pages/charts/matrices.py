"""The confusion matrix, and the matrix of models by collections, as coloured cells."""

from collections.abc import Sequence

import numpy as np

from model_zoo import Estimate
from model_zoo.estimate import rounded_percent
from pages.charts.style import EVEN, QUIET, graph_objects, styled

_MANY = 8  # classes from which the writing gets small
_LONG = 18  # letters of a model's id
_MARK = "#dd8f1d"


def confusion(counts: np.ndarray, names: Sequence[str], *, shares: bool, cell: tuple[int, int] | None = None):
    """Return a confusion matrix (K, K): rows reference labels, columns predictions; colour is the share of the row.

    `shares` writes shares instead of counts; `cell` is ringed. A click anywhere in a cell selects its marker, whose
    customdata is [truth, predicted]: a plotly heatmap itself cannot be selected.
    """
    go = graph_objects()

    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    size, many = len(names), len(names) > _MANY
    places = [(i, j) for i in range(size) for j in range(size)]
    texts = [[_text(counts[i, j], share[i, j], shares) for j in range(size)] for i in range(size)]
    figure = go.Figure(
        go.Heatmap(
            z=share, zmin=0, zmax=1, colorscale=EVEN, showscale=False, hoverinfo="skip", xgap=1, ygap=1,
            text=texts, texttemplate="%{text}", textfont={"size": 9 if many else 15},
        )
    )  # fmt: skip
    figure.add_scatter(
        x=[j for _, j in places], y=[i for i, _ in places], mode="markers", customdata=places, showlegend=False,
        marker={"symbol": "square", "size": 24, "opacity": 0},
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        text=[_hover(names, counts, share, i, j) for i, j in places], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    if cell:
        i, j = cell
        figure.add_shape(
            type="rect", x0=j - 0.48, x1=j + 0.48, y0=i - 0.48, y1=i + 0.48, line={"color": _MARK, "width": 3}
        )
    styled(figure, 640 if many else 120 + 84 * size)
    ticks = {"tickmode": "array", "tickvals": list(range(size)), "showgrid": False, "zeroline": False}
    ticks |= {"tickfont": {"size": 10}} if many else {}
    labels = [_wrapped(name) for name in names]
    figure.update_xaxes(
        title="Prediction", ticktext=names if many else labels, tickangle=-90 if many else None, side="bottom",
        range=[-0.5, size - 0.5], fixedrange=True, **ticks,
    )  # fmt: skip
    figure.update_yaxes(title="Reference label", ticktext=labels, range=[size - 0.5, -0.5], fixedrange=True, **ticks)
    # Any distance: the nearest marker is that of the cell under the pointer.
    return figure.update_layout(hovermode="closest", hoverdistance=-1, dragmode=False, margin={"t": 8})


def _text(count: int, share: float, shares: bool) -> str:
    if not shares:
        return f"{count:,}"
    if np.isnan(share):  # no scan has this reference label
        return ""
    return "< 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def _hover(names: Sequence[str], counts: np.ndarray, share: np.ndarray, i: int, j: int) -> str:
    of_all = f" ({100 * share[i, j]:.1f} % of {counts[i].sum():,})" if counts[i].sum() else ""
    return f"{names[i]} predicted as {names[j]}: {counts[i, j]:,} scans{of_all}"


def _wrapped(name: str) -> str:
    return name.replace(" ", "<br>", 1)


def across(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[tuple[Estimate, bool] | None]],
    bold: Sequence[str] = (),
):
    """Return a table of models by collections: balanced accuracy in per cent.

    A cell is None, or an estimate and whether the model was trained on the rest of that collection: that gets a star.
    """
    go = graph_objects()

    z = [[cell[0].value if cell else None for cell in line] for line in cells]
    texts = [[f"{rounded_percent(cell[0].value)}{'*' * cell[1]}" if cell else "" for cell in line] for line in cells]
    hovers = [
        [_collection_hover(row, column, cell) for column, cell in zip(columns, line, strict=True)]
        for row, line in zip(rows, cells, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=z, zmin=0, zmax=1, colorscale=EVEN, showscale=False, xgap=2, ygap=2, hoverongaps=False,
            text=texts, texttemplate="%{text}", textfont={"size": 13},
            customdata=hovers, hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    styled(figure, 84 + 38 * len(rows))
    ticks = {"tickmode": "array", "showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns, title="Collection", side="top", **ticks)
    labels = [f"<b>{_broken(row)}</b>" if row in bold else _broken(row) for row in rows]
    figure.update_yaxes(
        title="Model",
        tickvals=list(range(len(rows))),
        ticktext=labels,
        range=[len(rows) - 0.5, -0.5],
        linecolor=QUIET,
        **ticks,
    )
    return figure.update_layout(dragmode=False)


def _broken(name: str) -> str:
    """Return a long id in two lines, broken at the hyphen nearest its middle: on a phone the cells need the width."""
    hyphens = [place for place, sign in enumerate(name) if sign == "-"]
    if len(name) <= _LONG or not hyphens:
        return name
    place = min(hyphens, key=lambda place: abs(place - len(name) / 2)) + 1
    return f"{name[:place]}<br>{name[place:]}"


def _collection_hover(row: str, column: str, cell: tuple[Estimate, bool] | None) -> str:
    if not cell:
        return ""
    estimate, trained = cell
    note = ", trained on the rest of this collection" if trained else ""
    return f"{row} on {column}: {estimate.percent()}, {estimate.scans:,} scans{note}"
