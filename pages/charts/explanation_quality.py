"""Charts of methods, models and subgroups on one measure of explanation quality: a dot and its interval each.

A dot of fewer than FEWEST scans has no interval.

Pure functions from estimates to plotly figures; the first label is on top.
"""

from collections.abc import Sequence

from explain.evaluation.measures import Measure
from model_zoo import Estimate
from model_zoo.card_explanations import FEWEST, estimate_text, scans_text
from pages.charts.style import PALETTE, QUIET, graph_objects, styled

_LINE, _SERIES = 26, 15  # pixels: a label's line, and one more series on it
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "hexagon", "x")
_GREY = "#808891"  # of the controls

Series = dict[str, Estimate | None]  # by label


def ranked(measure: Measure, methods: Series, controls: Series, failing: Sequence[str], baseline: str):
    """Return one line per method, the best on top, and below them, in grey, one per control.

    `failing` are labels that fail the sanity check: open dots. `baseline` is the control whose value is drawn through
    the methods as a dotted line; "" for none.
    """
    go = graph_objects()

    sign = -1 if measure.high_is_good else 1  # not reversed: methods that tie keep their order
    order = sorted((label for label in methods if methods[label]), key=lambda label: sign * methods[label].value)
    labels = [f"{label} (fails sanity)" if label in failing else label for label in order]
    baselines = {label: estimate for label, estimate in controls.items() if estimate}
    figure = go.Figure()
    _dots(
        figure, measure, {place: methods[label] for place, label in enumerate(order)}, labels, "methods", PALETTE[0],
        ["circle-open" if label in failing else "circle" for label in order],
    )  # fmt: skip
    if baselines:
        places = dict(enumerate(baselines.values(), start=len(order)))
        labels += baselines
        _dots(figure, measure, places, labels, "controls", _GREY, "diamond")
    if controls.get(baseline):
        figure.add_vline(x=controls[baseline].value, line={"color": QUIET, "dash": "dot", "width": 1.5}, layer="below")
    return _laid_out(figure, measure, labels, _LINE * len(labels) + 70, legend=False)


def beside(measure: Measure, labels: Sequence[str], series: dict[str, Series], stroke: float | None = None):
    """Return one line per label, with a dot and interval for each series, by colour and by shape.

    `stroke` is drawn through all lines as a dotted one.
    """
    go = graph_objects()

    figure = go.Figure()
    step = 0.7 / max(1, len(series))
    for number, (name, figures) in enumerate(series.items()):
        aside = (number - (len(series) - 1) / 2) * step
        places = {place + aside: figures[label] for place, label in enumerate(labels) if figures.get(label)}
        # From the ninth series on a colour comes again, and then with another shape.
        colour, symbol = PALETTE[number % len(PALETTE)], _SYMBOLS[(number + number // len(PALETTE)) % len(_SYMBOLS)]
        _dots(figure, measure, places, labels, name, colour, symbol)
    if stroke is not None:
        figure.add_vline(x=stroke, line={"color": QUIET, "dash": "dot", "width": 1.5}, layer="below")
    height = (_LINE + _SERIES * (len(series) - 1)) * len(labels) + 80 + 20 * len(series)
    return _laid_out(figure, measure, labels, height, legend=True)


def _dots(figure, measure: Measure, places: dict[float, Estimate], labels: Sequence[str], name: str, colour, symbol):
    """Add a dot and its interval at each place; `symbol` is one, or one per dot."""
    estimates = list(places.values())
    figure.add_scatter(
        x=[e.value for e in estimates],
        y=list(places),
        name=name,
        mode="markers",
        marker={
            "size": 9,
            "color": colour,
            "symbol": symbol,
            "line": {"width": 2 if isinstance(symbol, list) else 0, "color": colour},
        },
        error_x={
            "array": [e.high - e.value if e.scans >= FEWEST else 0 for e in estimates],
            "arrayminus": [e.value - e.low if e.scans >= FEWEST else 0 for e in estimates],
            "thickness": 2.5,
            "width": 0,
            "color": colour,
        },
        customdata=[[labels[round(place)], in_words(e, measure)] for place, e in places.items()],
        hovertemplate=f"%{{customdata[0]}}: %{{customdata[1]}}<extra>{name}</extra>",
    )


def in_words(estimate: Estimate, measure: Measure) -> str:
    """Return an estimate with its interval, if it has one, and its scans: "81 % (69 to 91), 94 scans"."""
    digits = 0 if measure.share else 1 if abs(estimate.high) >= 2 else 2
    text = estimate_text(estimate, digits, share=measure.share)
    return text if estimate.scans < FEWEST else f"{text}, {scans_text(estimate)}"


def _laid_out(figure, measure: Measure, labels: Sequence[str], height: int, *, legend: bool):
    styled(figure, height)
    figure.update_layout(
        showlegend=legend,
        hovermode="closest",
        dragmode=False,
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        margin={"t": 40 if legend else 8, "b": 8},
    )
    unit = "" if measure.share or "(" in measure.title else " (no unit)"
    figure.update_xaxes(
        title=measure.title + unit, tickformat=".0%" if measure.share else None, fixedrange=True, nticks=6, tickangle=0
    )  # fmt: skip
    lows = [x - down for trace in figure.data for x, down in zip(trace.x, trace.error_x.arrayminus, strict=True)]
    highs = [x + up for trace in figure.data for x, up in zip(trace.x, trace.error_x.array, strict=True)]
    lowest, highest = min([0, *lows]), measure.most or max([1, *highs])
    margin = 0.02 * (highest - lowest)  # or a dot at an end is cut in two
    figure.update_xaxes(range=[lowest - margin, highest + margin])
    figure.update_yaxes(
        title="Method",
        range=[len(labels) - 0.5, -0.5],
        tickvals=list(range(len(labels))),
        ticktext=list(labels),
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    return figure
