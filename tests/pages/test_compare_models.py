"""The Compare page with good scans and bad, with sound models and broken ones."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explain import METHODS
from explain.evaluation.summary import summary_line
from pages.charts.compare import NO_CLASS, NO_PREDICTION, matrix, probabilities
from pages.components.compare import disagreement_table, grid, pickers
from pages.components.samples import SAMPLES
from scans import BLANK_SLICE, phantom
from tests.conftest import tiny_network, write_bundle
from tests.good_files import nifti, png
from tests.pages.conftest import (
    SAMPLE,
    alts,
    change_view,
    errors,
    open_app,
    pictures,
    rail,
    state_of,
    until_done,
    viewers,
)
from tests.pages.conftest import upload as upload_files

FIGSHARE = {"classes": ("glioma", "meningioma", "pituitary"), "names": ("Glioma", "Meningioma", "Pituitary tumour")}
FIFTEEN = {
    "classes": ("astrocytoma", "glioblastoma", "meningioma", "normal", "schwannoma"),
    "names": ("Astrocytoma", "Glioblastoma", "Meningioma", "Normal", "Schwannoma"),
}
IDS = ("a-kaggle4", "b-figshare3", "c-44c15")
MAPS = [f"{model}, {method}" for method in ("Grad-CAM", "Occlusion") for model in IDS]
VIEW, TABLE = "compare-view", "All scans by disagreement"


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A zoo of three tiny models of three tasks, and of a fourth that gives no numbers and is not chosen by default."""
    zoo = tmp_path_factory.mktemp("three")
    write_bundle(zoo / "a-kaggle4", tiny_network(seed=0))
    write_bundle(zoo / "b-figshare3", tiny_network(classes=3, seed=1), **FIGSHARE)
    write_bundle(zoo / "c-44c15", tiny_network(classes=5, seed=2), **FIFTEEN)
    broken = tiny_network(seed=4)
    broken.layers[-1].bias.assign(np.full(4, np.nan))
    write_bundle(zoo / "d-kaggle4", broken)
    return zoo


@pytest.fixture(autouse=True)
def in_three(three, monkeypatch):
    """The three models stand in for the repository's; loaded once, for no test changes them."""
    monkeypatch.setenv("CANDOR_ZOO", str(three))


@pytest.fixture
def zoo(three, tmp_path, monkeypatch):
    """A copy of the three models that a test may break."""
    folder = tmp_path / "zoo"
    shutil.copytree(three, folder)
    monkeypatch.setenv("CANDOR_ZOO", str(folder))
    return folder


@pytest.fixture
def page(queue) -> AppTest:
    return open_app(queue, page="pages/compare_models.py")


def opened(page: AppTest, scan: str | None = SAMPLE) -> AppTest:
    state_of(page).scan = scan
    return until_done(page.run())


def texts(page: AppTest) -> str:
    kinds = (page.caption, page.markdown, page.subheader, page.info, page.text)
    return "\n".join(element.value for kind in kinds for element in kind)


def mapped(page: AppTest) -> list[str]:
    """The models and methods of the pictures that have a map, in their order."""
    return [picture["alt"].partition(":")[0] for picture in pictures(page) if picture["map"]]


def chart(page: AppTest, place: int = 0) -> dict:
    return json.loads(page.get("plotly_chart")[place].proto.spec)


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    return until_done(upload_files(page, *files))


def test_without_a_scan_the_page_shows_the_samples(page):
    opened(page, None)
    assert page.title and not errors(page)
    assert set(SAMPLES) <= set(alts(page))


def test_every_model_has_a_map_by_every_method_beside_the_scan(page):
    opened(page)
    assert not errors(page)
    assert mapped(page) == MAPS
    assert alts(page).count("The scan") == 2  # one per row, so that it is always in sight
    assert {viewer["group"] for viewer in viewers(page).values()} == {grid.GROUP}  # all are seen alike
    (leader,) = (viewer for viewer in viewers(page).values() if viewer["leads"])
    assert leader["bar"]["several"] and not leader["pictures"]
    assert sum(summary_line(None) in caption.value for caption in page.caption) == 6  # this zoo has no evaluation


def test_pictures_are_redrawn_once_a_second_until_all_maps_are_there(page, slow, empty_cache, monkeypatch):
    every, fragment = [], st.fragment

    def noting(drawn=None, *, run_every=None):
        every.append(run_every)
        return fragment(drawn, run_every=run_every)

    monkeypatch.setattr(st, "fragment", noting)
    state_of(page).scan = SAMPLE
    page.run()
    assert [seconds for seconds in every if seconds] == [1]
    slow.go.set()
    until_done(page)
    every.clear()
    page.run()
    assert mapped(page) == MAPS and every and not any(every)


def test_the_chart_gathers_the_classes_that_correspond(page):
    bars = chart(opened(page))["data"]
    assert [bar["name"] for bar in bars] == ["a-kaggle4", "b-figshare3", "c-44c15"]
    assert bars[0]["y"] == ["Glioma", "Meningioma", "No tumour", "Pituitary tumour", "Other classes"]
    for bar in bars:
        assert sum(bar["x"]) == pytest.approx(1, abs=1e-4)
    assert [text == NO_CLASS for text in bars[1]["text"]] == [False, False, True, False, True]
    assert [text == NO_CLASS for text in bars[2]["text"]] == [False, False, False, True, False]
    assert "c-44c15: Glioma = Astrocytoma, Glioblastoma; No tumour = Normal; Other classes = Schwannoma" in texts(page)


def test_one_class_can_be_explained_for_all_and_a_model_without_it_says_so(page):
    opened(page).selectbox(key="compare-class").select("pituitary").run()
    until_done(page)
    assert [caption.value for caption in page.caption].count(grid.NO_CLASS) == 2
    assert state_of(page).compare_target == "pituitary"
    assert "a-kaggle4, Grad-CAM" in mapped(page)
    assert "c-44c15, Grad-CAM: no map" in alts(page)
    page.selectbox(key="compare-class").select("glioma").run()
    captions = texts(until_done(page))
    assert "Grad-CAM · Astrocytoma" in captions or "Grad-CAM · Glioblastoma" in captions


def test_the_heatmaps_of_all_are_hidden_at_once_and_nothing_is_explained_again(page, monkeypatch):
    opened(page)
    monkeypatch.setattr("explain.cache.explain", None)
    change_view(page, "compare-controls", shown=False)
    assert not state_of(page).map_shown and not viewers(page.run())["compare-controls"]["shown"]
    change_view(page, "compare-controls", count=2, shown=True)
    assert state_of(page).map_shown and mapped(page.run()) == MAPS


def test_agreement_is_given_between_models_and_between_methods(page):
    opened(page)
    titles = {f"**{METHODS[method].title}**" for method in ("gradcam", "occlusion")}
    assert titles <= {element.value for element in page.markdown}
    assert len(page.get("plotly_chart")) == 3  # the probabilities, and three models by each method
    page.segmented_control(key="compare-across").set_value("Between methods").run()
    assert state_of(page).compare_across_methods and len(page.get("plotly_chart")) == 1  # two maps need no matrix
    assert sum("Grad-CAM and Occlusion" in element.value for element in page.markdown) == 3


def test_a_pair_of_maps_is_drawn_with_a_legend_in_words(page):
    opened(page)
    first, second = "a-kaggle4 · Grad-CAM", "b-figshare3 · Grad-CAM"
    assert [alt for alt in alts(page) if first in alt and second in alt]
    [picture] = viewers(page)["compare-overlap"]["pictures"]
    legend = [each["words"] for each in picture["legend"]]
    assert len(legend) == 3 and first in legend[1] and second in legend[2]
    assert [each["ink"] for each in picture["regions"]["parts"]] == [each["ink"] for each in picture["legend"]]
    page.selectbox(key="compare-second").select("a-kaggle4 · Grad-CAM").run()
    assert "both mark 100\u00a0%" in texts(page)


def test_a_model_whose_weights_are_broken_has_its_sentence_and_the_others_predict(page, zoo):
    with (zoo / "b-figshare3" / "model.keras").open("ab") as file:
        file.write(b"\0")
    opened(page)
    assert len(errors(page)) == 2 and all("b-figshare3" in error for error in errors(page))  # one per method
    assert "a-kaggle4, Occlusion" in mapped(page)
    assert set(chart(page)["data"][1]["text"]) == {NO_PREDICTION, NO_CLASS}
    assert {NO_PREDICTION}.isdisjoint(chart(page)["data"][0]["text"])


def test_a_model_that_gives_no_numbers_is_left_out(page):
    page.query_params["models"] = ["a-kaggle4", "d-kaggle4"]
    opened(page)
    assert errors(page) and all("d-kaggle4" in error for error in errors(page))
    assert "a-kaggle4, Grad-CAM" in mapped(page)


def test_the_choice_of_models_and_methods_can_stand_in_the_address(page):
    page.query_params["models"] = ["c-44c15", "a-kaggle4", "../../etc"]
    page.query_params["methods"] = ["saliency"]
    opened(page)
    assert not errors(page)
    assert mapped(page) == ["c-44c15, Saliency", "a-kaggle4, Saliency"]


def test_more_models_in_the_address_than_are_taken_do_no_harm(page, monkeypatch):
    monkeypatch.setattr(pickers, "MOST", 2)
    monkeypatch.setattr(pickers, "_MODELS", 2)
    page.query_params["models"] = list(IDS)
    page.query_params["methods"] = ["gradcam"]
    opened(page)
    assert not errors(page) and len(mapped(page)) <= 2


def test_no_model_and_no_method_are_one_sentence_each(page):
    opened(page).multiselect(key="methods").set_value([]).run()
    assert len(page.info) == 1 and "method" in page.info[0].value and chart(page)
    page.multiselect(key="models").set_value([]).run()
    assert len(page.info) == 1 and "models" in page.info[0].value and not page.exception


def test_one_model_alone_is_shown_with_nothing_to_compare_it_to(page):
    page.query_params["models"] = ["a-kaggle4"]
    opened(page)
    assert not errors(page) and mapped(page) == MAPS[::3]
    assert len(chart(page)["data"]) == 1


def volume(*heights: float) -> bytes:
    """A NIfTI of one head, with a brightness per slice; 0 is a blank slice."""
    head = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    return nifti((np.stack([head * height for height in heights], -1) * 1000).astype(np.int16))


def test_a_blank_slice_is_one_error_and_a_bad_file_keeps_its_own(page):
    opened(page, None)
    upload(page, ("bad.png", b"no scan"), ("blank.nii", volume(1, 0, 0, 0, 1)))
    assert len(errors(page)) == 2 and errors(page).count(BLANK_SLICE) == 1
    assert not page.get("plotly_chart")


def test_a_volume_is_compared_by_the_slice_chosen(page):
    opened(page, None)
    upload(page, ("head.nii", volume(0, 0.9, 1, 1, 0.9, 0)))
    assert "slice 4 " in texts(page)
    page.segmented_control(key=VIEW).set_value(TABLE).run()
    table = page.dataframe[0].value
    assert list(table["Name"]) == ["head.nii"] and 0 <= table["Disagreement"][0] <= 1


def test_scans_are_sorted_by_disagreement_and_a_row_opens_its_scan(page):
    opened(page, None)
    page.segmented_control(key=VIEW).set_value(TABLE).run()
    assert not page.dataframe and not errors(page)
    page.toggle(key="compare-samples").set_value(True).run()
    table = page.dataframe[0].value
    assert set(table["Name"]) == set(SAMPLES)
    assert list(table["Disagreement"]) == sorted(table["Disagreement"], reverse=True)
    assert all(cell.split(", ")[0] in FIFTEEN["names"] for cell in table["c-44c15"])
    assert set(table["Predictions"]) <= {"differ", "the same"}


def test_the_table_lists_scans_without_a_prediction_last(page, zoo):
    opened(page, None)
    good = png(phantom("meningioma", 900_002).scan.pixels)
    upload(page, ("good.png", good), ("blank.nii", volume(1, 0, 0, 0, 1)), ("bad.png", b""))
    (zoo / "b-figshare3" / "model.keras").unlink()
    page.segmented_control(key=VIEW).set_value(TABLE).run()
    table = page.dataframe[0].value
    assert list(table["Name"]) == ["good.png", "blank.nii"]  # without a disagreement: last
    assert table["c-44c15"][1] == "blank slice" and table["b-figshare3"][0] == "no prediction"
    assert len(errors(page)) == 2 and not page.exception  # the bad file's and the model's


def test_a_selected_row_opens_its_scan_in_the_view_of_one(page, monkeypatch):
    """The table stands for a button that selects its second row: AppTest selects none."""

    def selectable(table, *, on_select, key, **_):
        def select():
            selection = SimpleNamespace(rows=[1])
            disagreement_table.st.session_state[key] = SimpleNamespace(selection=selection)
            on_select()

        tables.append(table)
        disagreement_table.st.button("Select", key="select", on_click=select)

    tables = []
    monkeypatch.setattr(disagreement_table.st, "dataframe", selectable)
    session = state_of(page)
    session.compare_table = session.compare_samples = True
    page.query_params["methods"] = ["gradcam"]
    opened(page)
    assert page.segmented_control(key=VIEW).value == TABLE and page.toggle(key="compare-samples").value
    until_done(page.button(key="select").click().run())
    assert session.scan == tables[0][1]["Name"] and not session.compare_table
    assert rail(page)["open"] == session.scan
    assert next(control for control in page.segmented_control if control.label == "View").value != TABLE
    assert mapped(page) == MAPS[:3]


def test_the_chart_of_probabilities_names_every_model_and_never_gives_a_flat_hundred():
    figure = probabilities(
        ["a", "b"],
        ["Glioma", "Other"],
        np.array([[1.0, 0.0], [np.nan, np.nan]]),
        np.array([[True, False], [True, True]]),
    )
    assert list(figure.data[0].text) == ["over 99\u00a0%", NO_CLASS]
    assert list(figure.data[1].text) == [NO_PREDICTION, NO_PREDICTION] and list(figure.data[1].x) == [0, 0]


def test_the_matrix_shows_each_pair_once_and_a_dash_for_a_constant_map():
    values = np.array([[1, 0.5, np.nan], [0.5, 1, -0.25], [np.nan, -0.25, 1]])
    shown = matrix(values, ["a", "b", "c"], "Model").data[0]
    assert np.array(shown.text).tolist() == [["0.50", ""], ["–", "\N{MINUS SIGN}0.25"]]
    assert list(shown.y) == ["b", "c"] and list(shown.x) == ["a", "b"]
