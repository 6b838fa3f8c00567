"""Pages opened as Streamlit runs them, without a browser.

All tests of a process share one session's caches. That is harmless as long as everything is cached by what it is made
from, and these tests would notice if it were not. The queue is each test's own.
"""

import gc
import json
import time
from functools import cache as kept
from pathlib import Path
from threading import Event

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import datasets  # noqa: F401  # before a page's folder is on the path, where datasets.py would hide the package
from explain import Cancelled, cache, explain
from explain.cache import CACHE
from explain.queue import LIVE, Job, Queue
from pages.components.rail import KEY as RAIL
from pages.components.samples import SAMPLES
from pages.components.state import PageState

ROOT = Path(__file__).parents[2]
PATIENT = 55.0  # seconds that a page waits for its map: as long as that takes, even on a busy machine
SAMPLE = next(iter(SAMPLES))


def open_app(queue: Queue, at_once: float = PATIENT, page: str = "app.py", **fields) -> AppTest:
    """Return a page, not run yet, whose session has this queue and these fields of its state."""
    app = AppTest.from_file(str(ROOT / page), default_timeout=60)
    app.session_state["state"] = PageState(queue=queue, at_once=at_once, **fields)
    return app


@pytest.fixture
def queue():
    """A queue of its own for a test, which has come to rest when the test is over."""
    queue = Queue()
    yield queue
    rest(queue)


@pytest.fixture
def app(queue) -> AppTest:
    """The app with nothing chosen yet; not run."""
    return open_app(queue)


@pytest.fixture
def empty_cache():
    """No explanation is kept when a test begins, and none of its own when it ends."""
    CACHE.clear()
    yield CACHE
    CACHE.clear()


def rest(queue: Queue) -> None:
    """Wait until no job of a queue is live: a late one would put its map into the next test's cache."""
    while not queue.idle:
        time.sleep(0.01)


class Slow:
    """Stands in for `explain`: keeps the requests, and ends when let go or cancelled."""

    def __init__(self, monkeypatch):
        self.requests, self.go, self.cancelled = [], Event(), Event()
        monkeypatch.setattr(cache, "explain", self)

    def __call__(self, request, *, progress, cancelled):
        self.requests.append(request)
        progress(0.45)
        while not self.go.wait(0.01):
            if cancelled():
                self.cancelled.set()
                raise Cancelled
        return explain(request, progress=progress, cancelled=cancelled)


@pytest.fixture
def slow(queue, monkeypatch):
    """Every explanation takes until the test lets it go; to be used with an `at_once` of some hundredths."""
    slow = Slow(monkeypatch)
    yield slow
    slow.go.set()


def state_of(app: AppTest) -> PageState:
    """Return the state of the page's session."""
    return app.session_state["state"]


def pending(app: AppTest) -> list[Job]:
    """Return the jobs that a page waits for."""
    return [job for section in state_of(app).sections.values() for job in section.jobs.values() if job.state in LIVE]


def until_done(app: AppTest) -> AppTest:
    """Run again, as the page does by itself, until no map is in progress."""
    for _ in range(100):
        assert not app.exception
        if not app.get("progress") and not pending(app):
            return app
        for job in pending(app):
            job.wait(60)
        app.run()
    raise AssertionError("the maps were not done after 100 runs")


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Hand files (name, bytes) to the upload field, and run."""
    values = [(name, data, "application/octet-stream") for name, data in files]
    return app.file_uploader[0].set_value(values).run()


def press(app: AppTest, label: str) -> AppTest:
    """Click the first button whose label begins with this, and run."""
    return next(button for button in app.button if button.label.startswith(label)).click().run()


def labels(app: AppTest) -> list[str]:
    """Return the labels of the buttons."""
    return [button.label for button in app.button]


def viewers(app: AppTest) -> dict[str, dict]:
    """Return what each viewer on the page is sent, by its key."""
    drawn = {each.proto.id.split("-", 2)[2]: json.loads(each.proto.json) for each in app.get("bidi_component")}
    return {key: sent for key, sent in drawn.items() if "pictures" in sent}  # download buttons are components, too


def pictures(app: AppTest) -> list[dict]:
    """Return what the viewers are sent of each picture."""
    return [picture for viewer in viewers(app).values() for picture in viewer["pictures"]]


def kinds(app: AppTest, key: str = "viewer") -> list[str]:
    """Return "scan" or "map" for each picture in a viewer, [] where there is none."""
    return [picture["kind"] for picture in viewers(app).get(key, {"pictures": []})["pictures"]]


def maps(app: AppTest) -> list[str]:
    """Return the keys of the maps in viewers: equal for equal maps."""
    return [picture["map"]["key"] for picture in pictures(app) if picture["map"]]


def change_view(app: AppTest, key: str = "viewer", **view) -> AppTest:
    """Send what the user changed in a viewer, as the browser does, and run; a `place` is one of the slices there."""
    drawn = next(each for each in app.get("bidi_component") if each.proto.id.endswith(f"-{key}"))
    if isinstance(view.get("place"), int):
        view["place"] = [(json.loads(drawn.proto.json)["volume"] or {}).get("key"), view["place"]]
    states = app._tree.get_widget_states()
    states.widgets.add(id=drawn.proto.id, json_value=json.dumps({"view": {"by": "test", "count": 1, **view}}))
    app._run(states)
    return app


def method_of(app: AppTest):
    """Return the choice of the method."""
    return next(box for box in app.selectbox if box.label == "Method")


def rail(app: AppTest) -> dict:
    """Return what the worklist rail is sent."""
    (drawn,) = [each for each in app.get("bidi_component") if each.proto.id.endswith(f"-{RAIL}")]
    return json.loads(drawn.proto.json)


def open_in_rail(app: AppTest, name: str | None) -> AppTest:
    """Choose a scan in the worklist rail, as the browser does, None to close the open one, and run."""
    return tell_rail(app, chosen={"scan": name or ""})


def remove_in_rail(app: AppTest, *names: str) -> AppTest:
    """Take scans off the worklist rail, as the browser does, and run."""
    return tell_rail(app, removed={"scans": names})


def tell_rail(app: AppTest, **told: dict) -> AppTest:
    """Tell the worklist rail what was "chosen" and "removed", as the browser does, in one message, and run."""
    drawn = next(each for each in app.get("bidi_component") if each.proto.id.endswith(f"-{RAIL}"))
    told = {what: {**each, "count": time.monotonic()} for what, each in told.items()}
    states = app._tree.get_widget_states()
    states.widgets.add(id=drawn.proto.id, json_value=json.dumps(told))
    app._run(states)
    return app


def alts(app: AppTest) -> list[str]:
    """Return the text alternatives of the pictures, those in viewers first."""
    return [each["alt"] for each in pictures(app)] + [
        image.alt for drawn in app.get("image") for image in drawn.proto.imgs
    ]


def errors(app: AppTest) -> list[str]:
    """Return the messages of the errors."""
    return [error.value for error in app.error]


def predicted_class(app: AppTest) -> str:
    """Return the class that the headline gives, "" where there is no prediction."""
    assert not app.exception
    return app.subheader[0].value.rpartition(": ")[2] if app.subheader else ""


@pytest.fixture(scope="session", autouse=True)
def no_run_fails():
    """Fail the test in which a page ends with an exception, whatever else the test looks at."""
    run = AppTest._run

    def checked(app: AppTest, *arguments, **settings) -> AppTest:
        done = run(app, *arguments, **settings)
        assert not done.exception, [each.value for each in done.exception]
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AppTest, "_run", checked)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_runs():
    """Two things that Streamlit does at each run of a page take most of its time, and tests run pages by the hundred.

    It looks through all installed packages for components: here once. And where Keras is loaded it collects garbage,
    through all of TensorFlow's objects: here without those that were there before the first page.
    """
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", kept(manifest_scanner.scan_component_manifests))
        yield
    gc.unfreeze()
