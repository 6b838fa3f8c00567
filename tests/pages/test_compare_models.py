"""What does a reader of the Compare page get, with good scans and bad, with sound models and broken ones?"""

import json
import shutil
import time
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.charts.compare import matrix, probabilities
from pages.components.pickers import SAMPLES
from scans import phantom
from tests.conftest import tiny_network, write_bundle
from tests.good_files import nifti, png
from tests.pages.conftest import ROOT, errors

FIGSHARE = {"classes": ("glioma", "meningioma", "pituitary"), "names": ("Glioma", "Meningioma", "Pituitary tumour")}
FIFTEEN = {
    "classes": ("astrocytoma", "glioblastoma", "meningioma", "normal", "schwannoma"),
    "names": ("Astrocytoma", "Glioblastoma", "Meningioma", "Normal", "Schwannoma"),
}
SAMPLE = next(iter(SAMPLES))
VIEW = "compare-view"
WORKLIST = "All scans by disagreement"


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A zoo of three tiny models of three tasks."""
    zoo = tmp_path_factory.mktemp("three")
    write_bundle(zoo / "a-kaggle4", tiny_network(seed=0))
    write_bundle(zoo / "b-figshare3", tiny_network(classes=3, seed=1), **FIGSHARE)
    write_bundle(zoo / "c-44c15", tiny_network(classes=5, seed=2), **FIFTEEN)
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
def page() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "compare_models.py"), default_timeout=60)


def opened(page: AppTest, scan: str | None = SAMPLE) -> AppTest:
    if scan:
        page.session_state["opened"] = scan
    return settled(page.run())


def settled(page: AppTest) -> AppTest:
    """Run the page until every map is there."""
    for _ in range(100):
        assert not page.exception
        if not page.get("progress"):
            return page
        time.sleep(0.1)
        page.run()
    raise AssertionError("the maps did not come")


def alts(page: AppTest) -> list[str]:
    return [image.proto.imgs[0].alt for image in page.get("image")]


def texts(page: AppTest) -> str:
    kinds = (page.caption, page.markdown, page.subheader, page.info, page.text)
    return "\n".join(element.value for kind in kinds for element in kind)


def chart(page: AppTest, place: int = 0) -> dict:
    return json.loads(page.get("plotly_chart")[place].proto.spec)


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    values = [(name, data, "application/octet-stream") for name, data in files]
    return settled(page.file_uploader[0].set_value(values).run())


def test_without_a_scan_the_page_says_what_it_does_and_shows_the_samples(page):
    opened(page, None)
    assert page.title[0].value == "Where do the models disagree?" and not errors(page)
    assert set(SAMPLES) <= set(alts(page))


def test_every_model_has_a_map_by_every_method_beside_the_scan(page):
    opened(page)
    assert not errors(page)
    seen = alts(page)
    for model in ("a-kaggle4", "b-figshare3", "c-44c15"):
        for method in ("Grad-CAM", "Occlusion"):
            assert f"{model}, {method}: the scan under the heatmap" in seen
    assert seen.count("The scan") == 2  # one a row, so that it is always in sight
    assert "Colour bar" in seen
    assert texts(page).count("On the board: not measured") == 6  # no board in this zoo


def test_the_chart_gathers_the_classes_that_correspond(page):
    bars = chart(opened(page))["data"]
    assert [bar["name"] for bar in bars] == ["a-kaggle4", "b-figshare3", "c-44c15"]
    assert bars[0]["y"] == ["Glioma", "Meningioma", "No tumour", "Pituitary tumour", "Other classes"]
    for bar in bars:
        assert sum(bar["x"]) == pytest.approx(1, abs=1e-4)
    assert [text == "cannot answer this" for text in bars[1]["text"]] == [False, False, True, False, True]
    assert [text == "cannot answer this" for text in bars[2]["text"]] == [False, False, False, True, False]
    assert "c-44c15: Glioma = Astrocytoma, Glioblastoma; No tumour = Normal; Other classes = Schwannoma" in texts(page)


def test_one_class_can_be_asked_of_all_and_a_model_without_it_says_so(page):
    opened(page).selectbox(key="compare-class").select("pituitary").run()
    settled(page)
    assert "This model has no class that corresponds, so there is nothing to explain." in texts(page)
    assert "a-kaggle4, Grad-CAM: the scan under the heatmap" in alts(page)
    assert "c-44c15, Grad-CAM: no map" in alts(page)
    page.selectbox(key="compare-class").select("glioma").run()
    said = texts(settled(page))
    assert "Grad-CAM · Astrocytoma" in said or "Grad-CAM · Glioblastoma" in said


def test_the_heatmaps_of_all_are_hidden_at_once_and_nothing_is_asked_again(page, monkeypatch):
    opened(page)
    monkeypatch.setattr("pages.components.requests.explain", None)
    before = [image.proto.imgs[0].url for image in page.get("image")]
    page.button(key="compare-show-heatmap").click().run()
    urls = {a: i.proto.imgs[0].url for a, i in zip(alts(page), page.get("image"), strict=True)}
    assert len({url for alt, url in urls.items() if "heatmap" in alt or alt == "The scan"}) == 1
    page.button(key="compare-show-heatmap").click().run()
    assert [image.proto.imgs[0].url for image in page.get("image")] == before


def test_agreement_is_said_between_models_and_between_methods(page):
    opened(page)
    said = texts(page)
    assert said.count("The maps of the models") + said.count("There are not two maps of the models") == 2
    page.segmented_control(key="compare-across").set_value("Between methods").run()
    assert "The maps of Grad-CAM and Occlusion" in texts(page)


def test_a_pair_of_maps_is_drawn_with_a_legend_in_words(page):
    opened(page)
    seen = alts(page)
    assert "Where a-kaggle4 · Grad-CAM and b-figshare3 · Grad-CAM mark the same" in seen
    said = texts(page)
    for words in ("Both maps", "Only A: a-kaggle4 · Grad-CAM", "Only B: b-figshare3 · Grad-CAM"):
        assert words in said
    page.selectbox(key="compare-second").select("a-kaggle4 · Grad-CAM").run()
    assert "both mark 100\u00a0%" in texts(page)


def test_a_model_whose_weights_are_broken_has_its_sentence_and_the_others_answer(page, zoo):
    with (zoo / "b-figshare3" / "model.keras").open("ab") as file:
        file.write(b"\0")
    opened(page)
    assert len(errors(page)) == 2 and all("not those its card describes" in error for error in errors(page))
    assert "a-kaggle4, Occlusion: the scan under the heatmap" in alts(page)
    assert set(chart(page)["data"][1]["text"]) <= {"no answer", "cannot answer this"}
    assert "The 2 models that answered" in texts(page)


def test_a_model_that_gives_no_numbers_is_left_out(page, zoo):
    network = tiny_network(seed=4)
    network.layers[-1].bias.assign(np.full(4, np.nan))
    write_bundle(zoo / "d-kaggle4", network)
    page.query_params["models"] = ["a-kaggle4", "d-kaggle4"]
    opened(page)
    assert errors(page) and all("not finite" in error for error in errors(page))
    assert "a-kaggle4, Grad-CAM: the scan under the heatmap" in alts(page)


def test_the_choice_of_models_and_methods_can_stand_in_the_address(page):
    page.query_params["models"] = ["c-44c15", "a-kaggle4", "../../etc"]
    page.query_params["methods"] = ["Saliency"]
    opened(page)
    assert not errors(page)
    assert [alt for alt in alts(page) if "heatmap" in alt] == [
        "c-44c15, Saliency: the scan under the heatmap",
        "a-kaggle4, Saliency: the scan under the heatmap",
    ]


def test_more_models_in_the_address_than_are_taken_do_no_harm(page, zoo):
    for number in range(5):
        shutil.copytree(zoo / "a-kaggle4", zoo / f"e{number}-kaggle4")
    page.query_params["models"] = [f"e{number}-kaggle4" for number in range(5)]
    page.query_params["methods"] = ["Grad-CAM"]
    opened(page)
    assert len([alt for alt in alts(page) if "heatmap" in alt]) <= 4


def test_no_model_and_no_method_are_each_told_in_one_sentence(page):
    opened(page).multiselect(key="methods").set_value([]).run()
    assert "Choose a method" in texts(page) and chart(page)
    page.multiselect(key="models").set_value([]).run()
    assert "Choose two models or more" in texts(page) and not page.exception


def test_one_model_alone_is_shown_with_nothing_to_compare_it_to(page):
    page.query_params["models"] = ["a-kaggle4"]
    opened(page)
    assert "nothing to compare" in texts(page) and not errors(page)


def volume(*heights: float) -> bytes:
    """A NIfTI of one head, as bright in each slice as told; 0 is a blank slice."""
    head = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    return nifti((np.stack([head * height for height in heights], -1) * 1000).astype(np.int16))


def test_a_blank_slice_is_told_once_and_a_bad_file_keeps_its_sentence(page):
    opened(page, None)
    upload(page, ("bad.png", b"no scan"), ("blank.nii", volume(1, 0, 0, 0, 1)))
    assert len(errors(page)) == 2 and sum("blank" in error for error in errors(page)) == 1
    assert not page.get("plotly_chart")


def test_a_volume_is_compared_by_the_slice_chosen(page):
    opened(page, None)
    upload(page, ("head.nii", volume(0, 0.9, 1, 1, 0.9, 0)))
    assert "slice 4 alone" in texts(page)
    page.segmented_control(key=VIEW).set_value(WORKLIST).run()
    table = page.dataframe[0].value
    assert list(table["Name"]) == ["head.nii"] and 0 <= table["Disagreement"][0] <= 1
    assert "middle slice" in texts(page)


def test_scans_are_sorted_by_disagreement_and_a_row_opens_its_scan(page):
    opened(page, None)
    page.segmented_control(key=VIEW).set_value(WORKLIST).run()
    assert "use the samples" in texts(page) and not page.dataframe
    page.toggle(key="compare-samples").set_value(True).run()
    table = page.dataframe[0].value
    assert set(table["Name"]) == set(SAMPLES)
    assert list(table["Disagreement"]) == sorted(table["Disagreement"], reverse=True)
    assert all(cell.split(", ")[0] in FIFTEEN["names"] for cell in table["c-44c15"])
    assert set(table["Answers"]) <= {"differ", "the same"}


def test_a_worklist_holds_what_cannot_be_asked_and_the_others_still_answer(page, zoo):
    opened(page, None)
    good = png(phantom("meningioma", 900_002).scan.pixels)
    upload(page, ("good.png", good), ("blank.nii", volume(1, 0, 0, 0, 1)), ("bad.png", b""))
    (zoo / "b-figshare3" / "model.keras").unlink()
    page.segmented_control(key=VIEW).set_value(WORKLIST).run()
    table = page.dataframe[0].value
    assert list(table["Name"]) == ["good.png", "blank.nii"]  # without a figure: last
    assert table["c-44c15"][1] == "blank slice" and table["b-figshare3"][0] == "no answer"
    assert len(errors(page)) == 2 and not page.exception  # the bad file's and the model's


def test_choosing_a_row_hands_its_scan_to_the_page(monkeypatch):
    from pages.components.compare import disagreement_table as compare_worklist

    state = {compare_worklist._TABLE: SimpleNamespace(selection=SimpleNamespace(rows=[1]))}
    monkeypatch.setattr(compare_worklist.st, "session_state", state)
    went = []
    compare_worklist._open(["a.png", "b.png"], lambda: went.append(True))
    assert state["opened"] == "b.png" and went == [True]


def test_the_chart_of_probabilities_names_every_model_and_never_says_a_flat_hundred():
    figure = probabilities(
        ["a", "b"],
        ["Glioma", "Other"],
        np.array([[1.0, 0.0], [np.nan, np.nan]]),
        np.array([[True, False], [True, True]]),
    )
    assert list(figure.data[0].text) == ["over 99\u00a0%", "cannot answer this"]
    assert list(figure.data[1].text) == ["no answer", "no answer"] and list(figure.data[1].x) == [0, 0]


def test_the_matrix_shows_each_pair_once_and_a_dash_for_what_says_nothing():
    values = np.array([[1, 0.5, np.nan], [0.5, 1, -0.25], [np.nan, -0.25, 1]])
    shown = matrix(values, ["a", "b", "c"]).data[0]
    assert np.array(shown.text).tolist() == [["0.50", ""], ["–", "\N{MINUS SIGN}0.25"]]
    assert list(shown.y) == ["b", "c"] and list(shown.x) == ["a", "b"]
