"""Does every page on disk open, inside its frame, whatever the zoo is like?"""

import shutil
import time

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import models, zoo_folder
from tests.pages.conftest import ROOT, errors

PAGES = sorted((ROOT / "pages").glob("*.py"))
NOT_FOR_DIAGNOSIS = "not for diagnosis"


def text_of(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.markdown, app.caption, app.title) for element in kind)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_opens_with_nothing_chosen(page):
    app = AppTest.from_file(str(page), default_timeout=60).run()
    assert not app.exception and not app.error and app.title


def test_the_app_opens_with_the_line_that_no_page_goes_without(app):
    app.run()
    assert not app.exception and not app.error
    assert NOT_FOR_DIAGNOSIS in app.caption[-1].value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_gives_way_to_a_broken_zoo(page, tmp_path, monkeypatch):
    (tmp_path / "broken-kaggle4").mkdir()
    (tmp_path / "broken-kaggle4" / "card.json").write_text("{")
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app = AppTest.from_file(str(page), default_timeout=60).run()
    assert not app.exception and len(app.error) == 1
    assert "cannot be read as a model card" in app.error[0].value


def test_an_empty_zoo_gets_one_sentence(app, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app.run()
    assert not app.exception and len(errors(app)) == 1
    assert "no model" in errors(app)[0] and "python -m train" in errors(app)[0]


def test_weights_with_another_hash_get_one_sentence(app, tmp_path, monkeypatch):
    name = next(iter(models()))
    shutil.copytree(zoo_folder() / name, tmp_path / name)
    with (tmp_path / name / "model.keras").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app.run().button[0].click().run()
    assert not app.exception and len(errors(app)) == 1
    assert "are not those its card describes" in errors(app)[0]
    assert len(app.get("image")) == 1  # the scan itself is still shown


def test_a_failure_inside_a_page_is_told_without_a_traceback(app, monkeypatch):
    def fail():
        raise RuntimeError("Muster^Erika")

    monkeypatch.setattr("pages.components.pickers.gallery", fail)
    app.run()
    assert not app.exception and len(errors(app)) == 1
    assert "Something went wrong" in errors(app)[0] and "Muster" not in errors(app)[0]


def test_no_run_of_a_page_clears_the_networks_that_another_thread_works_on(app):
    import keras

    app.run()
    for _ in range(600):  # the warm-up has its own thread
        if keras.backend.clear_session.__name__ == "<lambda>":
            break
        time.sleep(0.1)
    keras.backend.clear_session()  # as Streamlit does after each run; the names that Keras gives go on
    names = [keras.layers.ReLU().name for _ in range(2)]
    keras.backend.clear_session()
    assert keras.layers.ReLU().name not in names


def test_about_gives_the_figures_of_every_card_and_no_others():
    app = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
    table = app.table[0].value
    assert list(table["Model"]) == list(models())
    for card, measured in zip(models().values(), table["Official test scans"], strict=True):
        figure = card.score("accuracy", "test")
        assert measured == "not measured" if figure is None else f"{100 * figure.value:.1f} %" in measured
        assert all(limit in text_of(app) for limit in card.limits)


def test_no_page_renders_html_or_markdown_of_strangers_or_loads_from_elsewhere():
    sources = {path: path.read_text() for path in (ROOT / "app.py", *(ROOT / "pages").rglob("*.py"))}
    for banned in ("unsafe_allow", "components", "st.html", "https://cdn"):
        assert [path.name for path, source in sources.items() if banned in source] == []
    named = {path.name: source.count("upload.name") for path, source in sources.items() if "upload.name" in source}
    assert named == {"worklist.py": 1} and "display_name(upload.name)" in sources[ROOT / "pages/components/uploads.py"]
