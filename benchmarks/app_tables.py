"""How long does a reader wait? The README's table of the app, from what `benchmarks.app` wrote."""

import json

from benchmarks.record import RESULTS

_NAMES = {
    "explain": "Explain a scan",
    "compare_models": "Compare models",
    "performance": "Model performance",
    "datasets": "Datasets",
    "explanation_quality": "Explanation quality",
    "about": "About",
}


def waiting() -> str:
    """Return the table."""
    app = json.loads((RESULTS / "app.json").read_text())
    pages = app["pages"]
    many = app["8 readers at once"]
    first = ", ".join(f"{name} {pages[page]['first']:g} s" for page, name in _NAMES.items())
    warm = ", ".join(f"{name} {pages[page]['by its link, warm']:g} s" for page, name in _NAMES.items())
    memory = app["memory, MB"]
    rows = {
        "first content of a page, opened for the first time in a new browser": first,
        "the same by its link, warm": warm,
        "the app's own start, until its page is painted": f"{app['page painted, seconds after the server was up']:g} s",
        "the first answer and map, from the start of the process": (
            f"{app['first prediction, seconds after the start of the process']:g} s"
        ),
        "upload to heatmap, warm": _spread(app["upload to heatmap, warm"]),
        **{f"slider “{name}” to picture": _spread(found) for name, found in app["slider to picture, warm"].items()},
        "eight readers at once, a LIME map each": (
            f"{many['LIME maps']} maps, {many['correct, bit for bit']} of them the reader's own bit "
            f"for bit; each there after {_spread(many['LIME, from asking to the map, seconds'])}"
        ),
        "their first quick map": _spread(many["their first quick map, seconds"]),
        "quick maps of a ninth reader meanwhile": _spread(many["quick maps of a ninth meanwhile, seconds"]),
        "memory of the app": f"{memory['after the first map']:,} MB after the first map, {memory['most']:,} MB at most",
    }
    machine = app["machine"]
    return "\n".join(
        [
            f"`{app['command']}`, with a real Chromium on the same {machine['cores']} cores "
            f"of an {machine['processor']}.",
            "",
            "| what a reader waits for | |",
            "|---|---|",
            *(f"| {what} | {found} |" for what, found in rows.items()),
        ]
    )


def _spread(found: dict) -> str:
    return f"{found['median seconds']:g} s ({found['fastest']:g} to {found['slowest']:g}, {found['times']} times)"
