"""Every page opens inside its frame, whatever the zoo is like."""

import re
import shutil
import time

import pytest
from streamlit.testing.v1 import AppTest

from explain.audit import keep_in
from explain.explanation import NOT_FOR_DIAGNOSIS
from model_zoo import models
from pages.viewer import component
from tests.pages.conftest import ROOT, SAMPLE, errors, kinds, open_app

PAGES = sorted((ROOT / "pages").glob("*.py"))


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
def test_a_broken_zoo_is_one_sentence_on_every_page(page, tmp_path, monkeypatch):
    (tmp_path / "broken-kaggle4").mkdir()
    (tmp_path / "broken-kaggle4" / "card.json").write_text("{")
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app = AppTest.from_file(str(page), default_timeout=60).run()
    assert not app.exception and len(errors(app)) == 1 and "card.json" in errors(app)[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_broken_card_beside_a_sound_model_is_one_sentence_and_the_page_goes_on(page, tiny_zoo, tmp_path, monkeypatch):
    shutil.copytree(tiny_zoo / "tiny-phantom4", tmp_path / "tiny-phantom4")
    (tmp_path / "broken-kaggle4").mkdir()
    (tmp_path / "broken-kaggle4" / "card.json").write_text("{")
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app = AppTest.from_file(str(page), default_timeout=60).run()
    (sentence,) = errors(app)
    assert not app.exception and sentence.startswith("broken-kaggle4 is left out")
    assert app.selectbox or app.table


def test_an_empty_zoo_is_one_sentence(app, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app.run()
    assert not app.exception and len(errors(app)) == 1
    assert "python -m train" in errors(app)[0]


def test_weights_with_another_hash_are_one_sentence(queue, tiny_zoo, tmp_path, monkeypatch):
    name = "tiny-phantom4"
    shutil.copytree(tiny_zoo / name, tmp_path / name)
    with (tmp_path / name / "model.keras").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app = open_app(queue, scan=SAMPLE).run()
    assert not app.exception and len(errors(app)) == 1 and name in errors(app)[0]
    assert kinds(app) == ["scan", "scan"]


def test_a_failure_inside_a_page_is_one_sentence_without_a_traceback(app, monkeypatch):
    def fail():
        raise RuntimeError("Muster^Erika")

    monkeypatch.setattr("pages.components.navigation.enter_page", fail)
    app.run()
    assert not app.exception and len(errors(app)) == 1
    assert "Muster" not in errors(app)[0] and NOT_FOR_DIAGNOSIS in app.caption[-1].value


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


def test_about_gives_the_scores_of_every_card_and_no_others():
    app = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
    table = app.table[0].value
    assert list(table["Model"]) == list(models())
    for card, cell in zip(models().values(), table["All test scans"], strict=True):
        accuracy = card.score("accuracy", "test", "all scans")
        assert cell == "not measured" if accuracy is None else accuracy.percent() in cell
        assert all(limit in text_of(app) for limit in card.limits)


def test_about_names_the_audit_log_where_one_is_kept_and_denies_nothing_that_is_kept(tmp_path):
    def privacy() -> str:
        about = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
        return next(each.value for each in about.markdown if "Privacy" in each.value)

    assert "audit log" not in privacy() and "as the file it is" in privacy() and "Kaggle" in privacy()
    keep_in(tmp_path)
    try:
        assert "digest of the scan's file" in " ".join(privacy().split())
    finally:
        keep_in(None)


def test_no_page_renders_html_or_markdown_of_strangers_or_loads_from_elsewhere():
    sources = {path: path.read_text() for path in (ROOT / "app.py", *(ROOT / "pages").rglob("*.py"))}
    for banned in ("unsafe_allow", "components.v1", "components.html", "https://cdn"):
        assert [path.name for path, source in sources.items() if banned in source] == []
    allowed = {"st.html": ["app.py"], "st.components": ["in_browser.py"]}  # the layout; what follows redraws in order
    for name, files in allowed.items():
        assert sorted(path.name for path, source in sources.items() if name in source) == files
    assert sources[ROOT / "app.py"].count("st.html(LAYOUT)") == 1 == sources[ROOT / "app.py"].count("st.html(")


def test_what_runs_in_the_browser_writes_text_and_never_markup_and_loads_from_nowhere_else():
    modules = {path.name: path.read_text() for path in (ROOT / "pages").rglob("*.js")}
    assert set(modules) == {f"{name}.js" for name in component._MODULES} | {"newest.js", "rail.js", "start.js"}
    for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "Function(", "import("):
        assert [name for name, source in modules.items() if banned in source] == []
    addresses = {word for source in modules.values() for word in re.findall(r"https?://[\w./]+", source)}
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a kind of element, fetched by nobody
    styles = list((ROOT / "pages").rglob("*.css"))
    assert len(styles) == 3 and not any("url(" in style.read_text() for style in styles)


def test_the_name_of_an_upload_is_made_harmless_where_it_is_taken():
    """All other code names an upload by `Upload.name`, which is harmless already."""
    sources = {path: path.read_text() for path in (ROOT / "app.py", *(ROOT / "pages").rglob("*.py"))}
    assert [path.name for path, source in sources.items() if "sent.name" in source] == ["uploads.py"]
    source = sources[ROOT / "pages/components/uploads.py"]
    assert source.count("display_name(sent.name)") == 2  # of a file that is dropped, of an archive that is refused
    assert source.count("sent.name, data)") == 1 and source.count("display_name(name)") == 1
    taking = {path.name for path, source in sources.items() if "getvalue()" in source}
    assert taking == {"uploads.py", "one_file.py"}  # the second takes no name
