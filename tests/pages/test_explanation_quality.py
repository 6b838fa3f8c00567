"""The page on explanation quality, with and without evaluations, scans and weights."""

import json
import shutil
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from explain.evaluation.measures import MEASURES
from explain.evaluation.results import SUMMARY, write_summary
from explain.evaluation.rows import TABLE, Row, write_rows
from explain.evaluation.store import read_evaluation
from explain.methods import METHODS
from explain.queue import Queue
from explain.render.overlay import gray, png
from model_zoo import Estimate, models, zoo_folder
from model_zoo.card_explanations import FEWEST
from pages.charts.explanation_quality import beside, in_words, ranked
from pages.components.quality.methods import column
from scans import phantom
from tests.conftest import tiny_network, write_bundle
from tests.explain.evaluation.test_evaluation import annotation_of
from tests.pages.conftest import open_app, pending, pictures

PAGE = "pages/explanation_quality.py"
TABS = ("Methods", "By subgroup", "Sanity check", "Best and worst cases", "Models compared")
MODEL = "candor-figshare3"
KINDS = 3 * ["glioma"] + 3 * ["meningioma"] + 2 * ["pituitary"]


def rows() -> list[Row]:
    """Eight phantoms, two methods and a control; the first glioma is missed, Grad-CAM passes and SHAP fails."""
    found = []
    for number, kind in enumerate(KINDS):
        for method, agreement, seconds in (("gradcam", 0.1, 0.02), ("shap", 0.8, 3.0), ("centre", None, 0.0)):
            hit = float(method == "gradcam" and number > 0)
            measures = {"pointing": hit, "energy": number / 10, "lift": 1.0 + number}
            measures |= {} if agreement is None else {"sanity all": agreement}
            name, control = f"{kind}/{number}.png", method == "centre"
            found.append(
                Row(name, f"g{number}", kind, kind, 0.9, 0.02 + number / 100, method, control, seconds, 1, measures)
            )
    return found


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A zoo of two models, the first without an evaluation."""
    zoo = tmp_path_factory.mktemp("zoo")
    write_bundle(zoo / "a-phantom4", tiny_network())
    card = write_bundle(zoo / "b-phantom4", tiny_network(seed=1))
    write_rows(zoo / card.id / TABLE, rows())
    write_summary(zoo / card.id, card.id, card.weights_sha256)
    return zoo


@pytest.fixture
def own(zoo, tmp_path, monkeypatch):
    """A copy of that zoo to break, in which the page finds its models, and no scans."""
    shutil.copytree(zoo, tmp_path / "zoo")
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setenv("CANDOR_DATA", str(tmp_path / "data"))
    return tmp_path / "zoo"


@pytest.fixture
def scans(own, tmp_path):
    """The scans themselves, below $CANDOR_DATA."""
    for number, kind in enumerate(KINDS):
        drawn, place = phantom(kind, number, 96), tmp_path / "data" / "figshare-brain-tumor" / kind
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(png(gray(drawn.scan.pixels)))
        (place / f"{number}.txt").write_text(annotation_of(drawn.mask))
    return tmp_path / "data"


def open_page(model: str = "b-phantom4", tab: str = TABS[0]) -> AppTest:
    app = open_app(Queue(), page=PAGE)
    app.query_params["model"], app.query_params["quality"] = model, tab
    app.run()
    assert not app.exception
    return app


def until_done(app: AppTest) -> AppTest:
    """Run again, as the page does by itself, until every scan is under its map."""
    for _ in range(20):
        if all(picture["map"] for picture in pictures(app)):
            return app
        for job in pending(app):
            job.wait(60)
        app.run()
    raise AssertionError("the maps were not done after 20 runs")


def text(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return " ".join(element.value for kind in kinds for element in kind).replace("\u00a0", " ")


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def figure(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, 8)


def test_the_best_method_is_on_top_whichever_way_is_good():
    methods = {"A": figure(0.2, 0.1, 0.3), "B": figure(0.9, 0.8, 1), "C": None}
    for measure, order in (("pointing", ["B", "A"]), ("deletion blur", ["A", "B"])):
        chart = ranked(MEASURES[measure], methods, {"dot": figure(0.1, 0, 0.2)}, ["A"], "dot")
        labels = [label.removesuffix(" (fails sanity)") for label in chart.layout.yaxis.ticktext]
        assert labels == [*order, "dot"] and "A (fails sanity)" in chart.layout.yaxis.ticktext
        dots = dict(zip(chart.layout.yaxis.ticktext, chart.data[0].marker.symbol, strict=False))
        assert dots == {"B": "circle", "A (fails sanity)": "circle-open"}
        assert list(chart.data[0].x) == [methods[name].value for name in order]
        assert chart.layout.shapes[0].x0 == 0.1


def test_intervals_are_drawn_as_they_are_and_no_axis_cuts_them():
    chart = beside(MEASURES["sanity all"], ["A", "B"], {"m": {"A": figure(0.1, -0.3, 0.4), "B": None}}, 0.5)
    dots = chart.data[0]
    assert (dots.x[0] - dots.error_x.arrayminus[0], dots.x[0] + dots.error_x.array[0]) == pytest.approx((-0.3, 0.4))
    low, high = chart.layout.xaxis.range
    assert low < -0.3 and high > 1 and list(dots.y) == [0]


def test_an_estimate_of_two_scans_has_no_interval_in_a_chart_but_their_number():
    few = Estimate(0.8, 0.7, 0.9, 2)
    dots = ranked(MEASURES["pointing"], {"A": few}, {}, [], "").data[0]
    assert (list(dots.error_x.array), list(dots.error_x.arrayminus)) == ([0], [0])
    assert in_words(few, MEASURES["pointing"]) == "80 % (2 scans)"


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_of_a_shipped_evaluation_can_be_drawn(measure):
    stored = read_evaluation(zoo_folder() / MODEL)
    methods = {name: stored.estimate(name, measure) for name in stored.methods}
    chart = ranked(MEASURES[measure], methods, {}, [], "")
    low, high = chart.layout.xaxis.range
    drawn = [figure for figure in methods.values() if figure]
    ends = [(each.low, each.high) if each.scans >= FEWEST else (each.value, each.value) for each in drawn]
    assert all(low < first and last < high for first, last in ends)


@pytest.mark.parametrize("number", [3, 20])
def test_series_on_a_line_keep_apart_and_differ_in_colour_or_shape(number):
    series = {f"model {n}": {"A": figure(0.5, 0.4, 0.6)} for n in range(number)}
    chart = beside(MEASURES["pointing"], ["A"], series)
    assert len({trace.y[0] for trace in chart.data}) == number and all(abs(trace.y[0]) < 0.5 for trace in chart.data)
    assert len({(trace.marker.color, trace.marker.symbol) for trace in chart.data}) == number


def test_no_two_measures_share_a_heading_of_a_table():
    headings = [column(measure)["label"] for measure in MEASURES.values()]
    assert len(set(headings)) == len(headings) == len(MEASURES)


def test_an_estimate_is_written_with_its_interval_and_its_scans():
    assert in_words(figure(0.814, 0.7, 0.9), MEASURES["pointing"]) == "81 % (70 to 90), 8 scans"
    assert in_words(figure(-0.001, -0.1, 0.5), MEASURES["road"]) == "0.00 (-0.10 to 0.50), 8 scans"
    assert in_words(figure(40.76, 29.8, 57.8), MEASURES["lift"]) == "40.8 (29.8 to 57.8), 8 scans"


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_a_shipped_evaluation_opens(tab, monkeypatch, tmp_path):
    monkeypatch.setenv("CANDOR_DATA", str(tmp_path))
    app = open_page(MODEL, tab)
    assert not app.error
    assert charts(app) or tab == TABS[3]


@pytest.mark.parametrize("measure", ["deletion blur", "lift", "sanity all"])
def test_a_measure_is_drawn_and_described(measure):
    app = open_page(MODEL)
    app.selectbox(key="measure").select(measure).run()
    assert not app.exception and not app.error
    assert charts(app)[0]["layout"]["xaxis"]["title"]["text"].startswith(MEASURES[measure].title)
    assert MEASURES[measure].description in text(app) and MEASURES[measure].direction in text(app)


def test_the_table_names_what_fails_and_leaves_blank_what_was_not_measured(own):
    table = open_page().dataframe[0].value.set_index("map")
    assert table.loc[METHODS["gradcam"].title, "sanity"] == "passes (0.10)"
    assert table.loc[METHODS["shap"].title, "sanity"] == "FAILS (0.80)"
    assert table.loc["control: centre", "sanity"] == ""
    assert table.loc[METHODS["gradcam"].title, "pointing"] == 87.5
    assert table["seeds"].isna().all()


def test_the_method_with_the_best_localisation_is_named_with_its_share(own):
    drawn = text(open_page())
    assert "Best localisation: Grad-CAM." in drawn and "Localisation: 88 %" in drawn
    assert "more often" not in drawn


def test_a_method_that_fails_the_sanity_check_is_not_named_as_the_best(own):
    every = [
        replace(each, measures=each.measures | ({"pointing": 1.0} if each.method == "shap" else {})) for each in rows()
    ]
    write_rows(own / "b-phantom4" / TABLE, every)
    write_summary(own / "b-phantom4", "b-phantom4", models()["b-phantom4"].weights_sha256)
    drawn = text(open_page())
    assert "Best localisation: Grad-CAM." in drawn and "Localisation: 88 %" in drawn
    assert f"{METHODS['shap'].title} hits the tumour more often, but fails that test." in drawn


def test_a_measure_that_was_not_taken_is_a_sentence(own):
    app = open_page()
    app.selectbox(key="measure").select("seeds").run()
    assert not app.exception and "was not measured" in text(app) and not charts(app)


def test_a_model_without_an_evaluation_gets_the_command_and_the_evaluated_models(own):
    app = open_page("a-phantom4")
    assert not app.error and "a-phantom4 was not evaluated" in text(app)
    assert app.code[0].value == "python -m explain evaluate --model a-phantom4 --data DIR"
    assert charts(app)  # of the evaluated models
    app.button[0].click().run()
    assert app.selectbox(key="model").value == "b-phantom4" and app.dataframe and not app.exception


def test_a_zoo_without_any_evaluation_is_one_sentence(own):
    (own / "b-phantom4" / SUMMARY).unlink()
    app = open_page()
    assert not app.error and len(app.info) == 1 and not charts(app) and not app.button


@pytest.mark.parametrize("broken", [SUMMARY, TABLE])
def test_a_broken_evaluation_is_one_sentence(own, broken):
    (own / "b-phantom4" / broken).write_text("{")
    app = open_page()
    assert len(app.error) == 1 and "b-phantom4" in app.error[0].value and "run it again" in app.error[0].value


def test_an_evaluation_of_other_weights_gets_a_warning_and_no_maps(own, scans):
    write_summary(own / "b-phantom4", "b-phantom4", "0" * 64)
    app = open_page(tab=TABS[3])
    assert "other weights" in app.warning[0].value
    assert len(pictures(app)) == 6 and "no map is drawn" in text(app)


def test_scans_are_divided_by_tumour_box_size_and_correctness(own):
    app = open_page(tab=TABS[1])
    names = {"class": "Glioma", "box size": "box under 4.3 %", "prediction": "correct prediction"}
    for by, name in names.items():
        app.segmented_control(key="by").set_value(by).run()
        assert not app.exception and charts(app)[0]["data"][0]["name"] == name


def test_an_evaluation_without_the_sanity_check_is_a_sentence(own):
    bare = [Row(**{**vars(row), "measures": {"pointing": 1.0}}) for row in rows()]
    write_rows(own / "b-phantom4" / TABLE, bare)
    write_summary(own / "b-phantom4", "b-phantom4", "0" * 64)
    assert "sanity check was not run" in text(open_page(tab=TABS[2]))


def test_without_the_scans_they_are_listed_and_not_drawn(own):
    app = open_page(tab=TABS[3])
    assert not pictures(app) and "not on this machine" in text(app)
    listed = app.dataframe[0].value
    assert (
        len(listed) == 8 and listed["scan"].iloc[0] == "pituitary/7.png" and listed["scan"].iloc[-1] == "glioma/0.png"
    )


def test_the_best_and_the_worst_scans_are_drawn_with_box_and_map(own, scans):
    app = open_page(tab=TABS[3])
    assert not app.error and [heading.value for heading in app.subheader][:2] == ["Best", "Worst"]
    drawn = pictures(until_done(app))
    assert len(drawn) == 6 and all(picture["marks"][0]["lines"] for picture in drawn)
    assert all(len(picture["marks"]) == 2 and picture["marks"][1]["ring"] for picture in drawn)
    assert not any(picture["map"]["signed"] for picture in drawn)  # only evidence for the class counts
    assert [line.value for line in app.text] == [
        "pituitary/7.png", "pituitary/6.png", "meningioma/5.png", "glioma/0.png", "glioma/1.png", "glioma/2.png",
    ]  # fmt: skip


def test_slow_maps_are_not_made_and_a_sentence_says_how_to_see_them(own, scans):
    app = open_page(tab=TABS[3])
    app.selectbox(key="method-cases").select("shap").run()
    assert not app.error and "Explain a scan" in text(app) and len(pictures(app)) == 6
    assert not pending(app) and not any(picture["map"] for picture in pictures(app))


def test_a_scan_that_cannot_be_read_is_a_sentence_and_the_others_are_drawn(own, scans):
    (scans / "figshare-brain-tumor" / "glioma" / "0.png").write_bytes(b"no picture")
    app = open_page(tab=TABS[3])
    assert len(app.error) == 1 and len(pictures(app)) == 5


def test_models_are_compared_with_those_of_which_only_results_are_kept(monkeypatch):
    app = open_page(MODEL, TABS[4])
    names = [trace["name"] for trace in charts(app)[0]["data"]]
    assert names[0] == MODEL and not any("results only" in name for name in names)
    assert "Not all on the same scans" in text(app)  # candor-pooled4 was evaluated on half as many
    alike = ["candor-scratch-figshare3", "candor-unguided-figshare3"]
    app.multiselect(key="evaluated").set_value(alike).run()
    assert [trace["name"] for trace in charts(app)[0]["data"]] == [f"{name} (results only)" for name in alike]
    assert "All on the same scans." in text(app)
    app.multiselect(key="evaluated").set_value([]).run()
    assert not app.exception and not charts(app) and app.info[0].value == "Choose a model."


def test_the_whole_table_can_be_downloaded(own):
    assert [button.label for button in open_page().get("download_button")] == ["All values, scan by scan (CSV)"]


def test_the_page_of_the_model_that_the_app_begins_with_has_something_to_show():
    app = open_page(next(iter(models())))
    assert charts(app) and not app.error
