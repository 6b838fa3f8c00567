"""Does the gallery show every method's own map, as it comes, and leave nothing behind?"""

import pytest
from streamlit.testing.v1 import AppTest

from explain import METHODS
from explain.cache import CACHE
from explain.queue import Queue
from pages.components import requests as asking
from tests.pages.conftest import ROOT, errors
from tests.pages.test_waiting import Slow


@pytest.fixture(autouse=True)
def queue(in_tiny_zoo, monkeypatch):
    """The tiny zoo, an empty cache and one queue, whose jobs every test can look at."""
    CACHE.clear()
    queue = Queue()
    monkeypatch.setattr(asking, "queue_for", lambda method: queue)
    yield queue
    CACHE.clear()


def opened() -> AppTest:
    """The Explain page with a sample and the gallery open."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().button[0].click().run()
    app.session_state["explain-part"] = "All methods"
    return app.run()


def held_up(monkeypatch) -> tuple[AppTest, Slow]:
    """The same with every map but the first held up until `go` is set."""
    slow = Slow(monkeypatch)
    slow.go.set()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().button[0].click().run()
    slow.go.clear()
    app.session_state["explain-part"] = "All methods"
    return app.run(), slow


def until_there(app: AppTest) -> AppTest:
    """Look again, as the page does by itself, until every map is there."""
    for _ in range(60):
        jobs = [job for room in app.session_state["asked"].values() for job, _ in room.jobs.values()]
        if not jobs:
            return app.run()
        for job in jobs:
            job.wait(60)
        app.run()
    raise AssertionError("the gallery never ends")


def alts(app) -> list[str]:
    return [image.proto.imgs[0].alt for image in app.get("image")]


def test_every_method_shows_its_own_map_and_how_far_to_trust_it(queue):
    app = until_there(opened())
    assert not app.exception and not errors(app)
    for method in METHODS.values():
        assert f"{method.title} over the scan" in alts(app)
    cards = {image.proto.imgs[0].url for image in app.get("image") if image.proto.imgs[0].alt.endswith("over the scan")}
    assert len(cards) > len(METHODS) - 4  # the CAMs of so small a network may look alike
    said = [caption.value for caption in app.caption]
    assert sum("not measured" in sentence for sentence in said) == len(METHODS)  # the tiny zoo has no board
    assert any("agree" in element.value for element in app.markdown)


def test_one_reader_s_gallery_takes_no_more_than_two_places_in_the_queue(queue, monkeypatch):
    _, slow = held_up(monkeypatch)
    live = [job for job in queue._jobs.values() if job.state in ("waiting", "running")]
    assert len(live) == 2
    slow.go.set()


def test_a_click_on_a_method_shows_it_large(queue):
    app = until_there(opened())
    app.button(key="show-occlusion").click().run()
    assert app.selectbox(key="method").value == "occlusion"


def test_another_part_of_the_page_or_another_page_frees_the_work(queue, monkeypatch):
    app, slow = held_up(monkeypatch)
    assert queue._jobs
    app.switch_page("pages/about.py").run()
    assert slow.cancelled.wait(10)
    assert not [job for job in queue._jobs.values() if job.state in ("waiting", "running")]
    slow.go.set()


def test_the_gallery_can_be_cancelled_and_gone_on_with(queue, monkeypatch):
    app, slow = held_up(monkeypatch)
    app.button(key="cancel-gallery").click().run()
    assert slow.cancelled.wait(10)
    slow.go.set()
    next(button for button in app.button if button.label == "Go on").click().run()
    app = until_there(app.run())
    assert "Occlusion over the scan" in alts(app)
