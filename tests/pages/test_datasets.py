"""The Datasets page shows what it can with all scans on this machine, with some of them, and with none."""

import json
import shutil
import time
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from datasets import audit
from datasets import mean_images as mean_image_module
from datasets.audit_tables import class_counts, read_audit, read_pairs
from datasets.cards import DATASETS
from pages.charts import datasets as charts
from pages.components.datasets import download as dataset_download
from tests.datasets.small_collections import EACH, draw_small_collections
from tests.pages.conftest import alts, errors, open_app

KAGGLE, FIGSHARE, C44 = "brain-tumor-mri-dataset", "figshare-brain-tumor", "brain-tumor-mri-images-44c"
PARTS = ("Classes", "Scans", "Near-duplicates", "Source")
IS_LOCAL_USER = dataset_download._is_local_user
NAMES = {"glioma": "Glioma", "notumor": "No tumour"}


@pytest.fixture(scope="module")
def collections(tmp_path_factory) -> Path:
    """All four collections, drawn from phantoms."""
    return draw_small_collections(tmp_path_factory.mktemp("collections"))


@pytest.fixture(autouse=True)
def nothing(in_tiny_zoo, tmp_path, monkeypatch):
    """No scan is on this machine, nothing was downloaded, and Kaggle says nothing."""
    monkeypatch.setenv("CANDOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(dataset_download, "_is_local_user", lambda: True)  # AppTest knows no address
    monkeypatch.setattr(mean_image_module, "PHANTOMS", 1)
    monkeypatch.setattr(dataset_download, "kaggle_offer", lambda card: (149_000_000, "CC0: Public Domain"))


@pytest.fixture
def everything(collections, monkeypatch) -> Path:
    monkeypatch.setenv("CANDOR_DATA", str(collections))
    return collections


@pytest.fixture
def opened(queue):
    """Open the page at a dataset and a tab, in a new session with the test's own queue."""

    def open_page(task: str = "kaggle4", part: str = "Classes") -> AppTest:
        app = open_app(queue, page="pages/datasets.py")
        app.query_params["dataset"] = task
        app.query_params["part"] = part
        app.run()
        assert not app.exception
        return app

    return open_page


def text_of(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.subheader, app.info, app.success, app.text, app.warning)
    return " ".join(element.value for kind in kinds for element in kind)


def chart_data(app: AppTest, index: int = 0) -> list[dict]:
    return json.loads(app.get("plotly_chart")[index].proto.spec)["data"]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.startswith(label)).click().run()
    assert not app.exception
    return app


def until(app: AppTest, words: str) -> AppTest:
    """Run again, as a page that polls does, until `words` appear."""
    for _ in range(100):
        if words in text_of(app) + " ".join(errors(app)):
            return app
        time.sleep(0.1)
        app.run()
    raise AssertionError(f"{words!r} never appeared: {text_of(app)}")


@pytest.mark.parametrize("task", DATASETS)
@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_every_dataset_opens_where_no_scan_is_here(opened, task, part):
    app = opened(task, part)
    assert not errors(app) and app.selectbox(key="dataset").value == task
    assert DATASETS[task].title in text_of(app)
    assert ("not on this machine" in text_of(app)) == (task != "phantom4")
    assert bool(alts(app)) == (task == "phantom4" and part == "Scans")


def test_the_chart_of_classes_is_what_the_audit_counted(opened):
    app = opened("44c15")
    stored = class_counts(read_audit(DATASETS["44c15"]), "sequence")
    bars = {bar["name"].split(" (")[0]: bar for bar in chart_data(app)}
    assert list(bars) == ["T1", "T1C+", "T2"]
    assert all(list(bar["x"]) == list(stored[name].values()) for name, bar in bars.items())
    app.segmented_control(key="unit").set_value("Shares").run()
    assert all(sum(bar["x"]) == pytest.approx(100) for bar in chart_data(app))


def test_classes_can_be_grouped_another_way(opened):
    app = opened("pooled4")
    assert [bar["name"].split(" (")[0] for bar in chart_data(app)] == ["Kaggle", "figshare", "Br35H", "44c"]
    app.segmented_control(key="group-by-pooled4").set_value("sequence").run()
    assert [bar["name"].split(" (")[0] for bar in chart_data(app)] == ["T1", "T1C+", "T2", "Sequence not stated"]


def test_an_unknown_dataset_in_the_address_is_ignored(opened):
    assert opened("../../etc/passwd", "nonsense").selectbox(key="dataset").value == "kaggle4"


def test_examples_are_drawn_for_each_class_and_others_at_a_press(opened, everything):
    app = opened("kaggle4", "Scans")
    assert "not on this machine" not in text_of(app)
    examples = [alt for alt in alts(app) if "example" in alt]
    assert examples == [f"{name}, example {n}" for name in DATASETS["kaggle4"].classes.values() for n in range(1, 7)]
    before = [image.proto.imgs[0].url for image in app.get("image")][: len(examples)]
    press(app, "Show others")
    after = [image.proto.imgs[0].url for image in app.get("image")][: len(examples)]
    assert before != after and len(after) == len(before)


def test_the_mean_image_of_each_class_comes_with_its_number_of_scans(opened, everything):
    app = until(opened("figshare3", "Scans"), "The mean of up to")
    assert [alt for alt in alts(app) if "Mean" in alt] == [
        f"Mean image of {name}" for name in DATASETS["figshare3"].classes.values()
    ]
    assert f"Glioma ({EACH})" in text_of(app)


def test_one_sequence_can_be_looked_at_alone(opened, everything, monkeypatch):
    app = opened("pooled4", "Scans")
    app.segmented_control(key="sequence-pooled4").set_value("T1").run()
    assert {alt.split(",")[0] for alt in alts(app)} == {"No tumour"}  # 44c's normal scans are all that are T1 here


def test_lesions_are_outlined_where_they_are_known(opened, everything, monkeypatch):
    for task, label in (("phantom4", "Outline the lesion"), ("figshare3", "Show the radiologists' boxes")):
        app = opened(task, "Scans")
        plain = {image.proto.imgs[0].alt: image.proto.imgs[0].url for image in app.get("image")}
        (toggle,) = [toggle for toggle in app.toggle if toggle.label == label]
        toggle.set_value(True).run()
        outlined = {image.proto.imgs[0].alt: image.proto.imgs[0].url for image in app.get("image")}
        assert {alt for alt in plain if plain[alt] != outlined[alt]} == {alt for alt in plain if "No tumour" not in alt}
    assert not [toggle for toggle in opened("kaggle4", "Scans").toggle]


def test_a_file_that_cannot_be_read_costs_no_other(opened, collections, tmp_path, monkeypatch):
    shutil.copytree(collections / KAGGLE, tmp_path / "data" / KAGGLE)
    for path in (tmp_path / "data" / KAGGLE).rglob("glioma/*.png"):
        path.write_bytes(b"no picture")
    app = until(opened("kaggle4", "Scans"), "cannot be read: ")
    assert text_of(app).count("This file cannot be read.") == 6 and "Pituitary tumour, example 6" in alts(app)
    assert len(errors(app)) == 1  # of the mean images


def test_a_folder_with_another_layout_gets_one_sentence(opened, tmp_path):
    (tmp_path / "data" / KAGGLE / "Training" / "strange").mkdir(parents=True)
    app = opened("kaggle4", "Scans")
    assert len(errors(app)) == 1 and "unknown class folder" in errors(app)[0]
    assert len(app.get("plotly_chart")) == 1  # brightness, from the stored table


@pytest.fixture
def stored_pairs(tmp_path, collections, monkeypatch) -> list[Path]:
    """An audit of the drawn Kaggle set: a mirrored pair across its split, and one of another set that contradicts."""
    folder, data = tmp_path / "audits", collections
    shutil.copytree(audit.AUDITS_FOLDER, folder)
    columns = (folder / "kaggle4" / "near_duplicates.csv").read_text().splitlines()[0]
    rows = [
        "Testing/pituitary/1.png,kaggle,test,pituitary,figshare-brain-tumor/glioma/2.png,figshare,,glioma,"
        "turned by 90°,5,0.991,0,1",
        *(
            f"Training/glioma/{n}.png,kaggle,train,glioma,Testing/glioma/{m}.png,kaggle,test,glioma,mirrored,3,0.990,0,0"
            for n, m in [(1, 1), (1, 2), *((n, n) for n in range(1, 8)), *((n, n + 1) for n in range(3, 7))]
        ),
        "Training/glioma/1.png,kaggle,train,glioma,Training/glioma/gone.png,kaggle,train,glioma,as is,0,1.000,1,0",
    ]
    (folder / "kaggle4" / "near_duplicates.csv").write_text("\n".join([columns, *rows]) + "\n")
    monkeypatch.setattr(audit, "AUDITS_FOLDER", folder)
    monkeypatch.setattr("pages.components.datasets.near_duplicates._pairs", lambda task: read_pairs(DATASETS[task]))
    monkeypatch.setenv("CANDOR_DATA", str(data))
    return [data / KAGGLE, data / FIGSHARE]


def test_contradicting_pairs_are_shown_first_side_by_side(opened, stored_pairs):
    app = opened("kaggle4", "Near-duplicates")
    control = app.segmented_control(key="pairs-kaggle4")
    assert control.value == "Contradicting labels"
    assert alts(app) == ["Pituitary tumour, Kaggle, test", "Glioma, figshare"]
    assert "5 of 256 bits apart · correlation 0.991" in text_of(app) and "The right one is turned by 90°" in text_of(
        app
    )
    assert [text.value for text in app.text] == ["1.png", "2.png"]
    before = [image.proto.imgs[0].url for image in app.get("image")]
    app.toggle(key="undo").set_value(True).run()
    after = [image.proto.imgs[0].url for image in app.get("image")]
    assert before[0] == after[0] and before[1] != after[1]


def test_pairs_are_chosen_and_paged_through(opened, stored_pairs):
    app = opened("kaggle4", "Near-duplicates")
    app.segmented_control(key="pairs-kaggle4").set_value("Training and test").run()
    assert "Pairs 1 to 6 of 13" in text_of(app) and len(alts(app)) == 12
    app.pagination[0].set_value(3).run()
    assert "Pairs 13 to 13 of 13" in text_of(app) and len(alts(app)) == 2
    app.segmented_control(key="pairs-kaggle4").set_value("Exact copies").run()
    assert alts(app) == ["Glioma, Kaggle, training"] and "Not in the copy on this machine." in text_of(app)
    assert not errors(app)


def test_without_scans_the_pairs_are_a_table(opened):
    app = opened("kaggle4", "Near-duplicates")
    shared, table = (frame.value for frame in app.dataframe)
    assert len(shared) == 3 and set(table["Contradicting labels"]) == {True}
    summary = json.loads((audit.AUDITS_FOLDER / "kaggle4" / "summary.json").read_text())
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Leaking test scans"].startswith(f"{summary['leakage']['scans']:,} (")
    assert metrics["Pairs with contradicting labels"] == str(len(table))  # the number on the filter
    shared_pairs = sum(other["contradicting_pairs"] for other in summary["other_collections"].values())
    assert len(table) == summary["contradicting_pairs"] + shared_pairs
    leaking, _ = chart_data(app)
    assert sum(leaking["x"]) == summary["leakage"]["scans"]


def test_the_source_tab_gives_source_licence_credits_defects_and_versions(opened, everything):
    for task, card in DATASETS.items():
        app = opened(task, "Source")
        text = text_of(app)
        for fact in (card.source, card.licence, card.citation, *card.defects, *card.versions):
            assert fact in text, fact
    table = opened("kaggle4", "Source").dataframe[0].value
    assert table["Difference"].sum() == -4 and len(table) == 8


def test_a_damaged_audit_is_reported_once_and_the_scans_are_still_shown(opened, everything, tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "AUDITS_FOLDER", tmp_path)
    import streamlit as st

    st.cache_resource.clear()
    for part in PARTS:
        app = opened("kaggle4", part)
        assert "python -m train audit kaggle4" in errors(app)[0]
    assert alts(opened("kaggle4", "Scans"))
    st.cache_resource.clear()


def test_a_download_is_confirmed_with_its_size_and_terms(opened, monkeypatch):
    monkeypatch.setattr(dataset_download, "download", lambda card, data: pytest.fail("not confirmed"))
    app = press(opened("kaggle4"), "Download “")
    assert "149 MB to download" in text_of(app) and "are free" in text_of(app)
    assert "CC0: Public Domain (according to Kaggle)" in text_of(app)


def test_where_kaggle_does_not_answer_the_licence_is_that_of_the_card(opened, monkeypatch):
    def silent(card):
        raise ConnectionError

    monkeypatch.setattr(dataset_download, "kaggle_offer", silent)
    app = press(opened("kaggle4"), "Download “")
    assert "Size: unknown" in text_of(app) and DATASETS["kaggle4"].licence in text_of(app)


def test_a_download_brings_the_pictures(opened, collections, tmp_path, monkeypatch):
    import kagglehub

    def slowly(handle):
        archive = tmp_path / "cache" / "datasets" / handle / "1.archive"
        archive.parent.mkdir(parents=True)
        archive.write_bytes(bytes(3_000_000))
        for _ in range(300):
            if (tmp_path / "go").exists():
                break
            time.sleep(0.05)
        return str(collections / KAGGLE)

    monkeypatch.setattr(kagglehub, "dataset_download", slowly)
    app = press(press(opened("kaggle4", "Scans"), "Download “"), "Start download")
    until(app, "continues when you leave this page.")
    assert "not on this machine" in text_of(app)
    (tmp_path / "go").touch()
    until(app, "is now on this machine.")
    assert "not on this machine" not in text_of(app) and "Glioma, example 1" in alts(app)
    assert [path.name for path in (tmp_path / "data").iterdir()] == [KAGGLE]


def test_another_session_sees_a_running_download_and_starts_no_second_one(opened, monkeypatch):
    going, go = [], Event()

    def wait(card, data):
        going.append(card.task)
        assert go.wait(60)

    monkeypatch.setattr(dataset_download, "download", wait)
    press(press(opened("kaggle4"), "Download “"), "Start download")
    other = until(opened("kaggle4"), "continues when you leave this page.")
    assert not [button for button in other.button if button.label.startswith("Download “")]
    go.set()
    until(other, "is now on this machine.")
    assert going == ["kaggle4"]


def test_a_download_that_fails_gives_the_reason_and_the_steps_by_hand(opened, tmp_path, monkeypatch):
    import kagglehub

    def refused(handle):
        raise ConnectionError("no route to **kaggle**\nsecond line")

    monkeypatch.setattr(kagglehub, "dataset_download", refused)
    app = until(press(press(opened("44c15"), "Download “"), "Start download"), "could not be downloaded.")
    assert app.text[0].value == "Reason: no route to **kaggle**"  # as text, not as Markdown
    assert "Kaggle could not be reached" in text_of(app)
    assert f"1. open {DATASETS['44c15'].source}\n2." in app.text[1].value
    assert f"{tmp_path / 'data' / C44}\n4. reload this page" in app.text[1].value
    monkeypatch.setattr(dataset_download, "download", lambda card, data: (data / card.folder).mkdir(parents=True))
    press(app, "Try again")
    assert not errors(app) and [button for button in app.button if button.label.startswith("Download “")]


def test_a_disk_that_cannot_be_written_is_reported(opened, tmp_path, monkeypatch):
    (tmp_path / "data").write_text("a file, not a folder")
    monkeypatch.setattr("kagglehub.dataset_download", lambda handle: str(tmp_path))
    app = press(press(opened("44c15"), "Download “"), "Start download")
    until(app, "could not be downloaded.")
    assert "File exists" in app.text[0].value or "Not a directory" in app.text[0].value


def test_what_kaggle_does_not_have_is_got_by_hand(opened):
    app = opened("figshare3")
    assert not [button for button in app.button if button.label.startswith("Download")]
    assert f"1. open {DATASETS['figshare3'].source}" in app.text[0].value


def test_a_remote_user_cannot_start_a_download(opened, monkeypatch):
    monkeypatch.setattr(dataset_download, "_is_local_user", lambda: False)
    app = opened("pooled4")
    assert not [button for button in app.button if button.label.startswith("Download")] and not app.text
    assert "`python -m train download kaggle4`" in text_of(app)


@pytest.mark.parametrize(
    ("url", "address", "here"),
    [
        ("http://localhost:8501/datasets", None, True),
        ("http://127.0.0.1:8501", None, True),
        ("https://candor.example.org/datasets", None, False),  # a proxy on the same machine
        ("http://localhost:8501", "192.0.2.7", False),
    ],
)
def test_who_sits_is_local_user(monkeypatch, url, address, here):
    class Context:
        def __init__(self):
            self.url, self.ip_address = url, address

    monkeypatch.setattr(dataset_download.st, "context", Context())
    assert IS_LOCAL_USER() == here


def test_a_share_of_nothing_is_nothing():
    figure = charts.distribution({"T1": {"glioma": 0}, "T2": {"glioma": 3, "notumor": 1}}, NAMES, shares=True)
    assert [list(bar.x) for bar in figure.data] == [[0, 0], [75, 25]]
    assert list(figure.data[1].text) == ["75.0 %", "25.0 %"] and figure.layout.showlegend


def test_the_charts_draw_what_they_are_given():
    leaking = charts.leakage_by_class({"glioma": (1, 4), "notumor": (2, 2)}, NAMES)
    assert [list(bar.x) for bar in leaking.data] == [[1, 2], [3, 0]]
    box = charts.brightness({"glioma": (0.1, 0.2, 0.3, 0.4, 0.5)}, NAMES).data[0]
    assert (box.lowerfence, box.q1, box.median, box.q3, box.upperfence) == ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,))
    assert list(charts.sizes({(100, 80): 3, (50, 60): 1}).data[0].marker.size) == [3, 1]
    drawn = charts.sizes({(100, 80): 1000, (50, 60): 1}).data[0].marker
    least = charts.proportional_from({(100, 80): 1000, (50, 60): 1})
    radius = [(scans / drawn.sizeref / 2) ** 0.5 for scans in (1000, least, least - 1)]
    assert radius[0] == pytest.approx(22) and radius[2] < drawn.sizemin <= radius[1]


@pytest.mark.data
def test_the_real_contradicting_pairs_are_all_found_on_this_machine(opened, data_folder, monkeypatch):
    monkeypatch.setenv("CANDOR_DATA", str(data_folder))
    app = opened("kaggle4", "Near-duplicates")
    assert len(alts(app)) == 12 and "Not in the copy" not in text_of(app) and not errors(app)


def test_a_chart_of_one_class_leaves_room_for_the_title_of_its_axis():
    figures = (
        charts.distribution({"Test": {"notumor": 5}}, {"notumor": "No tumour"}),
        charts.leakage_by_class({"notumor": (0, 5)}, {"notumor": "No tumour"}),
        charts.brightness({"notumor": (0.1, 0.2, 0.3, 0.4, 0.5)}, {"notumor": "No tumour"}),
    )
    assert min(figure.layout.height for figure in figures) >= 160
