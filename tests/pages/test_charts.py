"""Every chart of every page has the names of its axes, with their units; zero is written as 0."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model_zoo import zoo_folder
from pages.components.samples import sample
from pages.components.state import Region
from scans import phantom
from tests.good_files import nifti
from tests.pages.conftest import SAMPLE, open_app, press, until_done, upload
from tests.pages.test_performance import TABS as PERFORMANCE

# pandas as a thread of the warm-up loads it: half there for a second
HALF_LOADED = """
import importlib.machinery, sys, threading, time

class Slow(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        begun.set()
        time.sleep(1)
        super().exec_module(module)

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pandas":
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            spec.loader = Slow(spec.loader.name, spec.loader.path)
            return spec

import numpy as np
import plotly.graph_objects
from pages.charts.prediction import probability_bars
assert "pandas" not in sys.modules
begun = threading.Event()
sys.meta_path.insert(0, Finder)
threading.Thread(target=__import__, args=("pandas",)).start()
begun.wait()
probability_bars(["glioma", "no tumour"], np.array([0.9, 0.1]), 0).add_scatter(x=[1], y=[1], hovertemplate="%{x}")
"""
UNIT = re.compile(r"\((%|pixels|mm|s|number|no unit|0 black, 1 white|−1 to 1)\)")
VOLUME = nifti((np.stack([phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T] * 6, -1) * 1000).astype(np.int16))


def what_if(queue):
    region = Region(80, 80, 40, 40, 5, 5)
    return open_app(queue, scan=SAMPLE, regions={sample(SAMPLE).key: region}).run()


def all_methods(queue):
    app = open_app(queue, scan=SAMPLE)
    app.session_state["explain-part"] = "All methods"
    return until_done(app.run())


def whole_series(queue):
    app = open_app(queue)
    app.session_state["explain-part"] = "Whole series"
    return until_done(press(upload(app.run(), ("v.nii", VOLUME)), "Classify all"))


def compare(queue):
    return until_done(open_app(queue, page="pages/compare_models.py", scan=SAMPLE).run())


def page(name: str, **address: str):
    def opened(queue):
        app = open_app(queue, page=f"pages/{name}.py")
        app.query_params.update(address)
        return app.run()

    return opened


TABS = ("Methods", "By subgroup", "Sanity check", "Best and worst cases", "Models compared")
TINY = {"what if": what_if, "all methods": all_methods, "whole series": whole_series}
SHIPPED = {
    "compare": compare,
    **{f"performance, {tab}": page("performance", show=tab) for tab in PERFORMANCE if tab != "Training and card"},
    "performance, training": page("performance", show="Training and card", model="candor-figshare3"),
    **{f"datasets, {tab}": page("datasets", part=tab) for tab in ("Classes", "Near-duplicates")},
    **{f"quality, {tab}": page("explanation_quality", quality=tab) for tab in TABS[:3] + TABS[4:]},
}


def charts(app) -> list[dict]:
    assert not app.exception
    return [json.loads(each.proto.spec) for each in app.get("plotly_chart")]


def axes(chart: dict):
    """The axes that a chart draws: its name in the layout, and the values along it."""
    for trace in chart["data"]:
        for letter in "xy":
            name = f"{letter}axis" + trace.get(f"{letter}axis", letter).removeprefix(letter)
            yield name, trace.get(letter)


def assert_named(chart: dict) -> None:
    for name, values in axes(chart):
        axis = chart["layout"].get(name, {})
        title = axis.get("title", {}).get("text", "")
        shared = axis.get("matches") and axis.get("showticklabels") is False  # the lower one of two has the name
        assert title or shared, f"{name} of {chart['layout'].get('title', '')} {str(chart['data'])[:200]} has no name"
        words = isinstance(values, list) and any(isinstance(each, str) for each in values)
        ticks = " ".join(map(str, axis.get("ticktext", ()))) + axis.get("ticksuffix", "") + axis.get("tickformat", "")
        measured = not (words or re.search("[A-Za-z]{3}", ticks)) and title not in ("Loss", "Slice")
        assert shared or not measured or UNIT.search(title) or "%" in ticks, f"{title} has no unit"


@pytest.mark.parametrize("name", TINY)
def test_every_chart_of_the_explain_page_has_axes_with_names_and_units(in_tiny_zoo, queue, name):
    found = charts(TINY[name](queue))
    assert len(found) >= 2  # the probabilities, and that of the part
    for chart in found:
        assert_named(chart)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_every_chart_of_the_other_pages_has_axes_with_names_and_units(queue, tmp_path, monkeypatch, name):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo_folder()))
    found = charts(SHIPPED[name](queue))
    assert found
    for chart in found:
        assert_named(chart)


def test_a_chart_waits_for_pandas_where_another_thread_is_just_loading_it():
    subprocess.run([sys.executable, "-c", HALF_LOADED], cwd=Path(__file__).parents[2], check=True)


def test_every_chart_gets_plotly_in_the_one_way_that_waits_for_pandas():
    pages = Path(__file__).parents[2] / "pages"
    plotly = re.compile(r"(import|from) plotly")
    assert [p.name for p in pages.rglob("*.py") if plotly.search(p.read_text())] == ["style.py"]
