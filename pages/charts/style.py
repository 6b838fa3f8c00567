"""The style that all charts share: legible on black and on paper, and for every kind of colour vision."""

# After Okabe and Ito 2008, https://jfly.uni-koeln.de/color/, lightened or darkened until each can be read on both
# backgrounds; the first two suit a comparison of two models.
PALETTE = ("#3f93c4", "#dd8f1d", "#0d9f77", "#c4679a", "#c8623a", "#7a78c9", "#8a8f3c", "#6f7f8c")
QUIET = "rgba(128, 136, 145, 0.55)"
EVEN = "Cividis"  # a sequential scale: perceptually even, and the same for colour-blind users
# The axis of bars with their values beside them, in per cent.
PROBABILITY = {
    "title": {"text": "Probability (%)", "standoff": 4},
    "range": [0, 1],
    "showticklabels": False,
    "showgrid": False,
    "zeroline": False,
    "fixedrange": True,
}
CLASSES = {  # the axis along which such bars have their names
    "title": {"text": "Class", "standoff": 4},
    "automargin": True,
    "fixedrange": True,
    "ticks": "",
    "ticklabelstandoff": 8,
    "dtick": 1,
}
CONFIG = {"displayModeBar": False, "scrollZoom": False}


def graph_objects():
    """Return the module plotly.graph_objects, loaded where a chart is drawn: a page without one need not wait for it.

    Plotly asks whether pandas is loaded, and fails on one that another thread (the warm-up) is just loading: importing
    it waits for that.
    """
    import pandas  # noqa: F401
    import plotly.graph_objects

    return plotly.graph_objects


def styled(figure, height: int):
    """Return the figure with the margins and type that all charts share; its colours follow the user's theme."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 32, "b": 8},
        font={"size": 13},
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(automargin=True, separatethousands=True)
    figure.update_yaxes(automargin=True, separatethousands=True)
    return figure
