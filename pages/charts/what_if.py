"""The scan to draw a region on, and the probabilities without that region or with it alone."""

from base64 import b64encode
from collections.abc import Sequence

import numpy as np

from explain import png
from explain.prediction_text import percent
from explain.render.overlay import gray, upright, with_sides
from pages.charts.style import PALETTE, styled
from pages.charts.whole_series import PER_CENT
from scans import Box, Scan

_HEIGHT = 430  # pixels of the canvas, less for a scan that is wider than high
_SIDE = 768  # pixels of the picture's longer side
_REGION, _CONTROL = "#e9a23b", "rgba(255, 255, 255, 0.85)"  # both lie on a scan, whatever the theme
_HALO = "rgba(0, 0, 0, 0.6)"
_MARKERS = {"erase": ("Removed", "circle"), "keep": ("Region only", "diamond"), "move": ("Moved", "square")}
_RING = "#8a949e"
_ROW = 40  # pixels per class
_APART = 0.28  # of a row, from one change to the next


def canvas(scan: Scan, box: Box | None = None, control: Box | None = None):
    """Return a plotly figure of the scan to draw a box on; its axes count pixels, pixel 0 from 0 to 1.

    The scan is in the file's own window, as the model gets it, and in the proportions of its millimetres. The box has
    one frame, that of the control a dotted one.
    """
    import plotly.graph_objects as go

    rows, columns = scan.shape
    picture = with_sides(gray(upright(scan.windowed(), scan.spacing, _SIDE)), scan.edges)
    # Plotly selects only where there is something to select: one invisible dot.
    figure = go.Figure(
        go.Scatter(x=[columns / 2], y=[rows / 2], mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    )
    figure.add_layout_image(
        source="data:image/png;base64," + b64encode(png(picture)).decode(),
        xref="x",
        yref="y",
        x=0,
        y=0,
        sizex=columns,
        sizey=rows,
        sizing="stretch",
        layer="below",
    )
    for frame, colour, dash in ((control, _CONTROL, "dot"), (box, _REGION, "solid")):
        if frame is not None:
            corners = {"x0": frame.left, "x1": frame.right, "y0": frame.top, "y1": frame.bottom}
            figure.add_shape(**corners, line={"color": _HALO, "width": 4})
            figure.add_shape(**corners, line={"color": colour, "width": 2, "dash": dash})
    share = rows * scan.spacing[0] / (columns * scan.spacing[1])
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    styled(figure, round(_HEIGHT * min(1.0, max(0.5, share)))).update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="select",
        selectdirection="any",
        newselection={"line": {"color": _REGION, "width": 2, "dash": "solid"}},
        showlegend=False,
    )
    figure.update_xaxes(range=[0, columns], **axis)
    figure.update_yaxes(range=[rows, 0], scaleanchor="x", scaleratio=scan.spacing[0] / scan.spacing[1], **axis)
    figure.update_yaxes(constraintoward="top")
    return figure


def changes(names: Sequence[str], before: Sequence[float], after: dict[str, Sequence[float]]):
    """Return a plotly figure: per class a ring at its probability `before`, joined to a dot at that `after`.

    `names` and probabilities are in one order, the first class on top; `after` holds them by action, in [0, 1].
    """
    import plotly.graph_objects as go

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
    styled(figure, _ROW * len(names) + 70).update_layout(
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "itemclick": False, "itemdoubleclick": False},
        hovermode="closest",
    )
    figure.update_xaxes(range=[-0.03, 1.03], **PER_CENT)
    figure.update_yaxes(
        tickvals=rows.tolist(),
        ticktext=list(names),
        range=[len(names) - 0.5, -0.5],
        fixedrange=True,
        showgrid=False,
        zeroline=False,
    )
    return figure
