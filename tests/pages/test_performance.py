"""The page of model performance shows what is in the bundles' files, and one sentence where a file is missing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import Estimate, ModelCard, read_card, zoo_folder
from model_zoo.history import History
from model_zoo.imported import UNKNOWN_DATA
from model_zoo.performance import confusion_matrix, in_cell, most_frequent_mistake, roc
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.seeds import SEEDS, SeedRow, write_seeds
from pages.charts.matrices import across, confusion
from pages.charts.performance import dots, history, ranking
from pages.components.performance.bundles import Bundle, bundle
from pages.components.performance.scan_choice import comparable, keys_of, title_of
from tests.model_zoo.test_performance import RANKED
from tests.pages.conftest import ROOT, errors

SHIPPED, MEASURED = ("candor-figshare3", "cnn3-figshare3"), ("candor-leg2-44c15", "candor-scratch-44c15")
FOUR_AND_FIFTEEN = ("cnn3-kaggle4", "candor-44c15")
TABS = (
    "Accuracy",
    "Confusion matrix",
    "Curves",
    "External validation",
    "Prediction sets",
    "Shortcut tests",
    "Training and card",
)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory) -> Path:
    """Cards and tables of two models, and of two that were only ever measured; read them, never change them."""
    folder = tmp_path_factory.mktemp("shelf")
    for name in SHIPPED:
        shutil.copytree(zoo_folder() / name, folder / name, ignore=shutil.ignore_patterns("*.keras", "explanations*"))
    for name in MEASURED:
        shutil.copytree(zoo_folder() / "measured" / name, folder / "measured" / name)
    return folder


@pytest.fixture
def zoo(shelf, tmp_path, monkeypatch) -> Path:
    """The shelf stands in for the repository's zoo, on a machine without the data."""
    monkeypatch.setenv("CANDOR_ZOO", str(shelf))
    monkeypatch.setenv("CANDOR_DATA", str(tmp_path / "no data"))
    return shelf


@pytest.fixture
def zoo_to_break(zoo, tmp_path, monkeypatch) -> Path:
    """A copy of it that a test may change."""
    folder = shutil.copytree(zoo, tmp_path / "zoo")
    monkeypatch.setenv("CANDOR_ZOO", str(folder))
    return folder


def opened(tab: str = TABS[0], **address: str) -> AppTest:
    """The page as a link opens it; no tab may fail."""
    app = AppTest.from_file(str(ROOT / "pages" / "performance.py"), default_timeout=60)
    for name, value in ({"show": tab} | address).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and errors(app) == []
    return app


def sentences(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.info, app.markdown, app.caption, app.warning) for element in kind)


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def card_of(zoo: Path, name: str) -> ModelCard:
    return read_card(zoo / name / "card.json")


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_with_one_model_and_with_two_over_each_other(zoo, tab):
    alone, both = opened(tab), opened(tab, **{"with": SHIPPED[1]})
    assert charts(alone) and len(charts(both)) >= len(charts(alone))
    assert all(chart.proto.alt for app in (alone, both) for chart in app.get("plotly_chart"))
    shown = json.dumps(charts(both)) + sentences(both)
    assert all(name in shown for name in SHIPPED)


@pytest.mark.parametrize("tab", TABS)
def test_models_with_other_classes_are_compared_on_the_shared_ones_and_nothing_fails(zoo, tab):
    app = opened(tab, **{"with": MEASURED[1], "unshipped": "true"})
    if tab in TABS[:3]:
        assert "only Meningioma can be compared" in sentences(app)


def test_the_headline_is_the_card_s(zoo):
    app = opened()
    for metric, subset in zip(app.metric, (ALL_SCANS, NO_NEAR_DUPLICATE), strict=True):
        assert metric.value == f"{100 * card_of(zoo, SHIPPED[0]).score('accuracy', 'test', subset).value:.1f} %"
    assert app.table[0].value.iloc[-1].to_list()[0] == "Scans"


def test_what_is_the_same_as_in_the_published_model_and_what_differs_stand_with_the_card(zoo):
    card, shown = card_of(zoo, SHIPPED[1]), sentences(opened(TABS[-1], model=SHIPPED[1]))
    assert card.same and [each for each in (*card.same, *card.differences) if f"- {each}" not in shown] == []


def test_the_scores_of_other_seeds_stand_below_the_model_s_own(zoo_to_break):
    (name, other), table = SHIPPED, zoo_to_break / SHIPPED[0] / SEEDS
    own = card_of(zoo_to_break, name).score("accuracy", "test", NO_NEAR_DUPLICATE).value
    values = enumerate((own, 0.5, 0.7))
    write_seeds(table.parent, [SeedRow(seed, "accuracy", "test", NO_NEAR_DUPLICATE, v, 9) for seed, v in values])
    page = opened(model=name)
    assert f"{name}: the same recipe trained with 3 seeds (0, 1, 2)" in sentences(page)
    cells = str([each.value.to_dict() for each in page.table])
    assert f"{100 * (own + 0.5 + 0.7) / 3:.1f} % (50.0 to {100 * own:.1f})" in cells
    assert "the same recipe" not in sentences(opened(model=other))
    table.write_text("seed\n")
    assert "seeds.csv cannot be read as a table" in sentences(opened(model=name))


def test_a_cell_of_the_matrix_lists_its_scans_the_most_confident_first(zoo):
    one = bundle(SHIPPED[1], card_of(zoo, SHIPPED[1]))
    predictions = one.sets["test", NO_NEAR_DUPLICATE]
    app = opened(TABS[1], model=SHIPPED[1])
    truth, predicted = most_frequent_mistake(confusion_matrix(predictions))
    assert [box.value for box in app.selectbox[-2:]] == [one.card.names[truth], one.card.names[predicted]]
    app.selectbox[-2].select(one.card.names[0]).run()
    app.selectbox[-1].select(one.card.names[0]).run()
    listed = app.dataframe[0].value
    paths = [f"{folder}/{file}" for folder, file in zip(listed["Folder"], listed["File"], strict=True)]
    assert paths == [predictions.ids[row] for row in in_cell(predictions, 0, 0)]
    assert listed[one.card.names[0]].is_monotonic_decreasing
    assert "not on this machine" in sentences(app)


@pytest.mark.data
def test_the_scans_of_a_cell_are_shown_where_the_data_are(zoo, data_folder, monkeypatch):
    monkeypatch.setenv("CANDOR_DATA", str(data_folder))
    app = opened(TABS[1], model=SHIPPED[1])
    assert 0 < len(app.get("image")) <= 12 and "not on this machine" not in sentences(app)


def test_models_that_are_not_shipped_are_offered_on_demand(zoo_to_break):
    assert opened().selectbox[0].options == list(SHIPPED)
    assert opened(unshipped="true").selectbox[0].options == [*SHIPPED, *MEASURED]
    (zoo_to_break / "measured" / MEASURED[0] / "card.json").write_text("{")
    app = opened(unshipped="true")
    assert app.selectbox[0].options == [*SHIPPED, MEASURED[1]]
    assert "cannot be read as a model card" in sentences(app) or "other fields than a card" in sentences(app)


def test_a_model_is_not_compared_with_itself_or_one_that_is_not_there(zoo):
    for other in (SHIPPED[0], "../../etc"):
        assert opened(**{"with": other}).selectbox[1].value == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "tabs"),
    [
        ("predictions.csv", TABS[:3]),
        ("cohorts.csv", TABS[3:4]),
        ("shortcut_tests.csv", TABS[5:6]),
        ("history.csv", TABS[6:]),
    ],
)
def test_a_table_that_is_missing_or_broken_takes_its_chart_away_and_no_other(zoo_to_break, table, tabs):
    path = zoo_to_break / SHIPPED[0] / table
    path.unlink()
    for tab in tabs:
        assert f"{SHIPPED[0]} has no {table}" in sentences(opened(tab))
    path.write_text("id,nothing\n1\n")
    assert f"{SHIPPED[0]}/{table}" in sentences(opened(tabs[-1]))
    assert charts(opened(TABS[0] if table != "predictions.csv" else TABS[6]))


@pytest.mark.slow
def test_a_bundle_of_nothing_but_its_card_still_shows_its_scores(zoo_to_break):
    for path in (zoo_to_break / SHIPPED[0]).glob("*.csv"):
        path.unlink()
    (zoo_to_break / SHIPPED[0] / "CARD.md").unlink()
    for tab in TABS:
        app = opened(tab)
        assert app.metric or "has no" in sentences(app)
    assert not opened(TABS[6]).get("download_button")


def test_two_models_on_other_scans_or_classes_are_compared_as_far_as_that_makes_sense():
    def one(name: str, classes: tuple[str, ...], ids: tuple[str, ...]) -> Bundle:
        card = read_card(zoo_folder() / SHIPPED[0] / "card.json")
        predictions = RANKED.__class__(
            ids, *(getattr(RANKED, field) for field in ("groups", "near_duplicates", "truth", "p"))
        )
        return Bundle(
            card.__class__(**card.__dict__ | {"classes": classes, "names": classes}),
            Path(name),
            {("test", ALL_SCANS): predictions},
        )

    first = one("first", ("a", "b"), tuple("stuvwx"))
    assert comparable(first, one("same", ("a", "b"), tuple("xwvuts")), ("test", ALL_SCANS)) == ""
    other = comparable(first, one("other", ("a", "b"), tuple("stuvwz")), ("test", ALL_SCANS))
    assert "5 scans in common (first: 6, other: 6)" in other
    assert "only b can be compared" in comparable(first, one("third", ("b", "c"), tuple("stuvwx")), ("test", ALL_SCANS))
    elsewhere, far = (one("far", classes, tuple("123456")) for classes in (("a", "b"), ("c", "d")))
    assert "0 scans in common" in comparable(first, elsewhere, ("test", ALL_SCANS))
    assert "no class can be compared" in comparable(first, far, ("test", ALL_SCANS))
    assert "only first is drawn" in comparable(first, far, ("val", ALL_SCANS))


def test_a_class_has_its_counterpart_among_another_model_s_only_where_it_is_one_to_one():
    four, fifteen = (bundle(name, read_card(zoo_folder() / name / "card.json")) for name in FOUR_AND_FIFTEEN)
    assert four.place_of("normal", fifteen.card.classes) == four.card.classes.index("notumor")
    assert fifteen.place_of("notumor", four.card.classes) == fifteen.card.classes.index("normal")
    assert four.place_of("astrocytoma", fifteen.card.classes) is None  # one of several gliomas
    assert fifteen.place_of("glioma", four.card.classes) is None


def test_an_imported_model_whose_training_data_nobody_stated_does_not_pass_for_externally_validated(zoo_to_break):
    assert "no value is known to be external" not in sentences(opened("External validation"))
    file = zoo_to_break / SHIPPED[1] / "card.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"task": UNKNOWN_DATA}))
    assert f"nobody stated ({SHIPPED[1]}), no value is known to be external" in sentences(opened("External validation"))


def test_sets_of_scans_are_offered_without_near_duplicates_first_and_have_a_title_each(zoo):
    one = bundle(SHIPPED[0], card_of(zoo, SHIPPED[0]))
    titles = [title_of(key) for key in keys_of(one, external=True)]
    assert titles[:2] == ["Test scans without a near-duplicate in training", "Validation scans"]
    assert "44c, test scans without a near-duplicate in training" in titles and len(set(titles)) == len(titles)


def test_every_cell_of_a_matrix_can_be_clicked_and_tells_its_counts():
    counts = np.array([[3, 1], [0, 0]])
    heat, cells = confusion(counts, ("Glioma", "No tumour"), shares=False, cell=(0, 1)).data
    assert [list(row) for row in heat.text] == [["3", "1"], ["0", "0"]]
    assert [tuple(place) for place in cells.customdata] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [(y, x) for x, y in zip(cells.x, cells.y, strict=True)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert cells.text[1] == "Glioma predicted as No tumour: 1 scans (25.0 % of 4)"
    shares = confusion(counts, ("Glioma", "No tumour"), shares=True).data[0]
    assert [list(row) for row in shares.text] == [["75 %", "25 %"], ["", ""]]


def test_a_dot_stands_on_its_line_and_two_models_dots_beside_each_other():
    lines = ["Heading", "As is", "Border only"]
    series = {
        "one": [None, Estimate(0.9, 0.8, 0.95, 50), None],
        "two": [None, Estimate(0.7, 0.6, 0.8, 50), Estimate(0.5, 0.4, 0.6, 50)],
    }
    figure = dots(lines, series, [None, 0.25, 0.25], [0], measure="Accuracy", what="Test")
    chance, one, two = figure.data
    assert list(chance.x) == [25, 25] and list(chance.y) == [1, 2]
    assert list(one.x) == [90] and list(two.x) == [70, 50] and one.y[0] < 1 < two.y[0]
    np.testing.assert_allclose([one.error_x.array[0], one.error_x.arrayminus[0]], [5, 10])
    assert list(figure.layout.yaxis.ticktext) == ["", "As is", "Border only"]


def test_a_history_shows_what_it_has_and_rings_the_epoch_kept():
    run = History((1, 2, 3), {"loss": (3.0, 2.0, 1.0), "val_loss": (3.0, 1.5, 2.0)}, ("", "", ""))
    assert history({"m": (run, 2)}, "accuracy") is None
    training, validation, kept = history({"m": (run, 2)}, "loss").data
    assert list(training.y) == [3.0, 2.0, 1.0] and list(validation.y) == [3.0, 1.5, 2.0]
    assert list(kept.x) == [2] and list(kept.y) == [1.5]


def test_curves_of_two_models_keep_their_colours_and_name_their_areas():
    curve = roc(RANKED, 0)
    figure = ranking({"one": curve, "two": curve}, {}, "ROC")
    assert [line.name for line in figure.data] == [f"one: {curve.area:.3f}", f"two: {curve.area:.3f}", "chance"]
    assert figure.data[0].line.color != figure.data[1].line.color


def test_a_collection_that_was_trained_on_has_a_star_and_one_not_asked_about_is_empty():
    cells = [(Estimate(0.5, 0.4, 0.6, 40), False), (Estimate(0.9, 0.8, 1.0, 30), True), None]
    figure = across(["m", "candor-without-44c-pooled4"], ["44c", "Kaggle", "Br35H"], [cells, cells], ["m"])
    assert list(figure.data[0].text[0]) == ["50", "90*", ""]
    assert list(figure.layout.yaxis.ticktext) == ["<b>m</b>", "candor-without-<br>44c-pooled4"]
    assert "trained on the rest" in figure.data[0].customdata[0][1]
