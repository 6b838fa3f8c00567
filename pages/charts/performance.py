"""Charts of training, ROC, precision-recall and calibration curves, and dots with intervals.

Pure functions from numbers to plotly figures; shares are drawn in per cent. `series` holds one entry per model, by
name; the order gives the colour, so that a model has the same colour in every chart.
"""

from collections.abc import Sequence

import numpy as np

from model_zoo import Estimate
from model_zoo.history import History
from model_zoo.performance import Bin, Curve
from pages.charts.style import PALETTE, QUIET, graph_objects, styled

FEW = 5  # a bin of fewer scans is not drawn: its accuracy says nothing
_FIRST = 20  # scans: where the curve of selective prediction begins
_THIN = {"width": 1}
_PERCENT = {"range": [-1, 102], "tick0": 0, "dtick": 25, "ticksuffix": " %"}
_STROKE = "#8b949e"
_FAINT = "rgba(128, 136, 145, 0.22)"


def history(series: dict[str, tuple[History, int | None]], what: str):
    """Return `what`, "accuracy" or "loss", by epoch: validation drawn through, training dotted, the epoch kept ringed.

    None where no model has a column of it. A model's second part is the epoch whose weights were kept.
    """
    go = graph_objects()

    figure, unit = go.Figure(), "" if what == "loss" else " %"
    for colour, (name, (run, kept)) in zip(PALETTE, series.items(), strict=False):
        column = run.loss() if what == "loss" else what
        for title, key, line in (
            ("training", column, {"dash": "dot", "width": 1.5}),
            ("validation", f"val_{column}", {"width": 2.5}),
        ):
            if key not in run.columns:
                continue
            values = run.columns[key] if what == "loss" else [100 * value for value in run.columns[key]]
            mode = "lines" if len(run.epochs) > 1 else "markers"
            hover = (
                f"{name}, {title}: %{{y:{'.3f' if what == 'loss' else '.1f'}}}{unit} after epoch %{{x}}<extra></extra>"
            )
            figure.add_scatter(
                x=run.epochs, y=values, name=f"{name}, {title}", mode=mode, line=line | {"color": colour},
                hovertemplate=hover,
            )  # fmt: skip
            if title == "validation" and kept in run.epochs:
                figure.add_scatter(
                    x=[kept], y=[values[run.epochs.index(kept)]], name=f"{name}, epoch kept", mode="markers",
                    marker={"size": 13, "symbol": "circle-open", "color": colour, "line": {"width": 3}},
                    hovertemplate=f"{name}: the weights after epoch %{{x}} were kept<extra></extra>",
                )  # fmt: skip
    if not figure.data:
        return None
    figure.update_xaxes(
        title="Epoch (number)", rangemode="tozero", dtick=1 if max(map(max, _epochs(series))) < 8 else None
    )
    figure.update_yaxes(title=what.title(), ticksuffix=unit)
    return _laid_out(figure, 380)


def _epochs(series: dict[str, tuple[History, int | None]]) -> list[tuple[int, ...]]:
    return [run.epochs for run, _ in series.values()]


def ranking(series: dict[str, Curve], faint: dict[str, Curve], kind: str):
    """Return ROC curves (`kind` "ROC") or precision-recall curves, square; `faint` are the classes behind a mean."""
    go = graph_objects()

    roc = kind == "ROC"
    x, y = ("1 - specificity", "Sensitivity (recall)") if roc else ("Sensitivity (recall)", "PPV (precision)")
    hover = "sensitivity %{y:.1f} %, 1 - specificity %{x:.1f} %"
    if not roc:
        hover = "sensitivity %{x:.1f} %, PPV %{y:.1f} %"
    shape = "linear" if roc else "vh"
    figure = go.Figure()
    for name, curve in faint.items():
        figure.add_scatter(
            x=100 * curve.x, y=100 * curve.y, name=name, mode="lines", line=_THIN | {"color": QUIET, "shape": shape},
            hovertemplate=f"{name} ({curve.area:.3f}): {hover}<extra></extra>", showlegend=False,
        )  # fmt: skip
    for colour, (name, curve) in zip(PALETTE, series.items(), strict=False):
        figure.add_scatter(
            x=100 * curve.x, y=100 * curve.y, name=f"{name}: {curve.area:.3f}", mode="lines",
            line={"color": colour, "width": 2.5, "shape": shape}, hovertemplate=f"{name}: {hover}<extra></extra>",
        )  # fmt: skip
    for curve in list(series.values())[:1]:
        chance = [0, 100] if roc else [100 * curve.base] * 2
        figure.add_scatter(
            x=[0, 100], y=chance, name="chance", mode="lines", line={"color": QUIET, "dash": "dash", "width": 1.5},
            hoverinfo="skip",
        )  # fmt: skip
    figure.update_xaxes(title=x, **_PERCENT)
    figure.update_yaxes(title=y, **_PERCENT)
    return _laid_out(figure, 460)


def reliability(series: dict[str, Sequence[Bin]]):
    """Return accuracy over confidence, and below the number of scans of each confidence."""
    figure = graph_objects().Figure()
    figure.set_subplots(2, 1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.06)
    for colour, (name, bins) in zip(PALETTE, series.items(), strict=False):
        drawn = [b for b in bins if b.accuracy.scans >= FEW]
        figure.add_scatter(
            x=[100 * b.confidence for b in drawn], y=[100 * b.accuracy.value for b in drawn], name=name,
            mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 7, "color": colour},
            error_y=_errors([b.accuracy for b in drawn], colour),
            customdata=[[b.accuracy.percent(), f"{b.accuracy.scans:,}"] for b in drawn],
            hovertemplate=f"{name}: confidence %{{x:.1f}} %, accuracy %{{customdata[0]}}, %{{customdata[1]}} scans"
            "<extra></extra>",
            row=1, col=1,
        )  # fmt: skip
        figure.add_bar(
            x=[100 * b.confidence for b in bins], y=[b.accuracy.scans for b in bins], name=name, width=2.2,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate=f"{name}: %{{y:,}} scans, confidence %{{x:.1f}} %<extra></extra>",
            showlegend=False, row=2, col=1,
        )  # fmt: skip
    figure.add_scatter(
        x=[0, 100], y=[0, 100], name="perfect calibration", mode="lines",
        line={"color": QUIET, "dash": "dash", "width": 1.5}, hoverinfo="skip", row=1, col=1,
    )  # fmt: skip
    figure.update_xaxes(**_PERCENT)
    figure.update_xaxes(title="Confidence", row=2, col=1)
    figure.update_yaxes(title="Observed accuracy", row=1, col=1, **_PERCENT)
    figure.update_yaxes(title="Scans (number)", nticks=3, row=2, col=1)
    return _laid_out(figure, 520)


def selective(series: dict[str, tuple[np.ndarray, np.ndarray]]):
    """Return the accuracy of the most confident scans over their share of all, both float (N,), for each model."""
    go = graph_objects()

    figure = go.Figure()
    lowest = 1.0
    for colour, (name, (share, accuracy)) in zip(PALETTE, series.items(), strict=False):
        drawn = share >= min(1.0, _FIRST / len(share))  # of the first few scans an accuracy says nothing
        lowest = min(lowest, float(accuracy[drawn].min()))
        figure.add_scatter(
            x=100 * share[drawn], y=100 * accuracy[drawn], name=name, mode="lines",
            line={"color": colour, "width": 2.5},
            hovertemplate=f"{name}: of the most confident %{{x:.0f}} %, %{{y:.1f}} % are right<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="Share of the scans predicted, the most confident first", **_PERCENT)
    figure.update_yaxes(title="Accuracy", range=[max(-1, 100 * lowest - 5), 101], ticksuffix=" %")
    return _laid_out(figure, 380)


def _errors(estimates: Sequence[Estimate], colour: str, *, width: int = 3) -> dict:
    up, down = [100 * (e.high - e.value) for e in estimates], [100 * (e.value - e.low) for e in estimates]
    return {"array": up, "arrayminus": down, "color": colour, "thickness": 1.2, "width": width}


def dots(
    labels: Sequence[str],
    series: dict[str, Sequence[Estimate | None]],
    chance: Sequence[float | None] = (),
    headings: Sequence[int] = (),
    *,
    measure: str,
    what: str,
):
    """Return one line per label, on it a dot and its 95 % interval per model, from 0 to 100 %.

    A model has an estimate or None for each label; `chance` has a value, 0 to 1, or None for each and is drawn as a
    stroke; `headings` are the indices of labels that head the lines below them. `measure` is the name of the estimates,
    `what` the labels are.
    """
    go = graph_objects()

    figure = go.Figure()
    strokes = [(place, 100 * value) for place, value in enumerate(chance) if value is not None]
    if strokes:
        places, values = zip(*strokes, strict=True)
        figure.add_scatter(
            x=values, y=places, name="chance", mode="markers",
            marker={"symbol": "line-ns", "size": 18, "line": {"width": 3, "color": _STROKE}},
            hovertemplate="chance: %{x:.1f} %<extra></extra>",
        )  # fmt: skip
    for number, (colour, (name, estimates)) in enumerate(zip(PALETTE, series.items(), strict=False)):
        placed = {place: estimate for place, estimate in enumerate(estimates) if estimate}
        aside = (number - (len(series) - 1) / 2) * 0.34
        errors = _errors(list(placed.values()), colour, width=0)
        figure.add_scatter(
            x=[100 * each.value for each in placed.values()], y=[place + aside for place in placed], name=name,
            mode="markers", error_x=errors | {"thickness": 3}, marker={"size": 10, "color": colour},
            customdata=[[labels[place], each.percent(), f"{each.scans:,}"] for place, each in placed.items()],
            hovertemplate=f"%{{customdata[0]}}, {name}: %{{customdata[1]}}, %{{customdata[2]}} scans<extra></extra>",
        )  # fmt: skip
    for place in headings:
        figure.add_annotation(
            x=0, y=place, xanchor="left", text=f"<b>{labels[place]}</b>", showarrow=False, align="left",
            font={"size": 13},
        )  # fmt: skip
    ticks = ["" if place in headings else label for place, label in enumerate(labels)]
    figure.update_xaxes(title=measure, **_PERCENT | {"range": [-2, 102]})
    figure.update_yaxes(
        title=what, range=[len(labels) - 0.5, -0.5],
        tickmode="array", tickvals=list(range(len(labels))), ticktext=ticks,
        showgrid=False, zeroline=False,
    )  # fmt: skip
    return _laid_out(
        figure, 112 + (34 if len(series) > 1 else 28) * len(labels), legend=len(series) > 1 or bool(strokes)
    )


def _laid_out(figure, height: int, *, legend: bool = True):
    """Return the figure styled, its legend above it, without drags: on a phone a finger scrolls the page."""
    styled(figure, height)
    figure.update_layout(
        showlegend=legend, hovermode="closest", dragmode=False,
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        margin={"t": 56 if legend else 16},
    )  # fmt: skip
    figure.update_xaxes(fixedrange=True, showgrid=True, gridcolor=_FAINT)
    figure.update_yaxes(fixedrange=True, gridcolor=_FAINT)
    return figure
