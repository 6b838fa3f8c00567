"""Charts of a dataset: scans per class, sizes, brightness and leakage."""

from collections.abc import Mapping
from math import ceil

from pages.charts.style import PALETTE, QUIET, graph_objects, styled

_LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal", "title": None}
_ROOM = 1.2  # of the longest bar: its number must fit beside it, even on a phone
_HEAD = 76  # pixels above and below the bars, for the legend and the axis
_SMALLEST, _LARGEST = 3, 22  # pixels: radii of discs
_LEAST = 160  # pixels: on a lower chart the title of the axis lies over its numbers


def distribution(groups: Mapping[str, Mapping[str, int]], names: Mapping[str, str], shares: bool = False):
    """Return bars of scans per class; `groups` is title -> class id -> scans, `names` gives the classes' order.

    With `shares` the bars of one group add up to 100 %.
    """
    go = graph_objects()
    figure = go.Figure()
    for index, (group, numbers) in enumerate(groups.items()):
        scans = [numbers.get(label, 0) for label in names]
        percent = [100 * n / max(sum(scans), 1) for n in scans]
        figure.add_bar(
            orientation="h",
            name=f"{group} ({sum(scans):,})",
            y=list(names.values()),
            x=percent if shares else scans,
            text=[f"{p:.1f} %" if shares else f"{n:,}" for n, p in zip(scans, percent, strict=True)],
            textposition="outside",
            cliponaxis=False,
            marker_color=PALETTE[index % len(PALETTE)],
            customdata=list(zip(scans, percent, strict=True)),
            hovertemplate=f"%{{y}}, {group}: %{{customdata[0]:,}} scans, %{{customdata[1]:.1f}} %<extra></extra>",
        )
    figure.update_layout(
        barmode="group", bargap=0.25, bargroupgap=0.08, showlegend=len(groups) > 1, legend=_LEGEND, dragmode=False
    )
    longest = max((value for bar in figure.data for value in bar.x), default=1)
    figure.update_xaxes(
        title="Share of all scans of one colour (%)" if shares else "Scans (number)", range=[0, _ROOM * max(longest, 1)]
    )
    figure.update_yaxes(title="Class", autorange="reversed")
    return styled(figure, max(_LEAST, _HEAD + len(names) * (14 + 20 * len(groups))))


def leakage_by_class(leakage: Mapping[str, tuple[int, int]], names: Mapping[str, str]):
    """Return bars of test scans per class, first those with a near-duplicate in training.

    `leakage` is class id -> (test scans with a near-duplicate in training, all test scans).
    """
    leaking, whole = zip(*leakage.values(), strict=True)
    percent = [f"{100 * n / of:.0f} %" for n, of in leakage.values()]
    shares = [f"{n:,} of {of:,} ({share})" for (n, of), share in zip(leakage.values(), percent, strict=True)]
    go = graph_objects()
    figure = go.Figure()
    for title, scans, colour, text in (
        ("With a near-duplicate in training", leaking, PALETTE[1], None),
        ("Without", [of - n for n, of in leakage.values()], QUIET, percent),
    ):
        figure.add_bar(
            orientation="h",
            name=title,
            y=[names[label] for label in leakage],
            x=scans,
            text=text,
            textposition="outside",
            cliponaxis=False,
            marker_color=colour,
            customdata=shares,
            hovertemplate="%{y}: %{customdata} with a near-duplicate in training<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.3, legend=_LEGEND, dragmode=False)
    figure.update_xaxes(title="Test scans (number)", range=[0, _ROOM * max(whole)])
    figure.update_yaxes(title="Class", autorange="reversed")
    return styled(figure, max(_LEAST, _HEAD + 34 * len(leakage)))


def brightness(spreads: Mapping[str, tuple[float, ...]], names: Mapping[str, str]):
    """Return one box per class: median, quartiles, and whiskers to the 5th and 95th percentile of mean grey values."""
    low, q1, median, q3, high = zip(*spreads.values(), strict=True)
    go = graph_objects()
    figure = go.Figure(
        go.Box(
            orientation="h",
            y=[names[label] for label in spreads],
            lowerfence=low,
            q1=q1,
            median=median,
            q3=q3,
            upperfence=high,
            marker_color=PALETTE[0],
            line_width=1.5,
        )
    )
    figure.update_layout(showlegend=False, dragmode=False)
    figure.update_xaxes(title="Mean grey value (0 black, 1 white)", rangemode="tozero")
    figure.update_yaxes(title="Class", autorange="reversed")
    return styled(figure, max(_LEAST, _HEAD + 30 * len(spreads)))


def proportional_from(counts: Mapping[tuple[int, int], int]) -> int:
    """Return from how many scans of a size on the area of its disc is in proportion to them; below, discs are alike."""
    return ceil(max(counts.values()) * (_SMALLEST / _LARGEST) ** 2)


def sizes(counts: Mapping[tuple[int, int], int]):
    """Return a disc for each size in pixels; see `proportional_from` for its area."""
    most = max(counts.values())
    widths, heights = zip(*counts, strict=True)
    scans = list(counts.values())
    go = graph_objects()
    figure = go.Figure(
        go.Scatter(
            x=widths,
            y=heights,
            mode="markers",
            marker={
                "size": scans,
                "sizemode": "area",
                "sizeref": most / (2 * _LARGEST**2),
                "sizemin": _SMALLEST,
                "color": PALETTE[0],
                "opacity": 0.6,
            },
            customdata=scans,
            hovertemplate="%{x} × %{y} pixels: %{customdata:,} scans<extra></extra>",
        )
    )
    figure.update_layout(showlegend=False, dragmode=False)
    figure.update_xaxes(title="Width (pixels)")
    figure.update_yaxes(title="Height (pixels)")
    return styled(figure, 380)
