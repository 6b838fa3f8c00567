"""The maps of all methods: each method's own, each as soon as it is done, and no work left behind."""

import pytest

from explain import METHODS
from explain.evaluation.summary import summary_line
from explain.queue import LIVE, Queue
from pages.components.explain.all_methods import SECTION
from tests.pages.conftest import SAMPLE, errors, method_of, open_app, press, rest, state_of, until_done, viewers


@pytest.fixture
def held_up(in_tiny_zoo, empty_cache, queue, slow):
    """The Explain page with all methods open, and no map done until `slow.go` is set."""
    app = open_app(queue, at_once=0.05, scan=SAMPLE)
    app.session_state["explain-part"] = "All methods"
    app.query_params["method"] = "occlusion"  # in the slow lane: the page's own map waits elsewhere
    app.run()
    return app


@pytest.fixture
def all_done(in_tiny_zoo):
    """The Explain page with every method's map; the explanations stay in the cache for the next test."""
    queue = Queue()
    app = open_app(queue, scan=SAMPLE)
    app.session_state["explain-part"] = "All methods"
    yield until_done(app.run())
    rest(queue)


def live(queue: Queue) -> list:
    return [job for job in queue._jobs.values() if job.state in LIVE]


@pytest.mark.slow
def test_every_method_shows_its_own_map_and_its_explanation_quality(all_done):
    app = all_done
    assert not app.exception and not errors(app)
    cards = {key: viewer["pictures"][0] for key, viewer in viewers(app).items() if key.startswith("all-")}
    assert set(cards) == {f"all-{method}" for method in METHODS}
    assert all(METHODS[key[4:]].title in card["alt"] for key, card in cards.items())
    assert len({card["map"]["key"] for card in cards.values()}) > len(METHODS) - 4  # those of CAMs may be alike
    captions = [caption.value for caption in app.caption]
    not_evaluated = summary_line(None)  # the tiny zoo has no evaluation
    assert sum(caption.startswith(not_evaluated) for caption in captions) == len(METHODS)
    assert len(app.get("plotly_chart")) == 2  # the probabilities, and the agreement of the maps


@pytest.mark.slow
def test_a_click_on_a_method_opens_it(all_done):
    assert all_done.button(key="show-occlusion").click().run() and method_of(all_done).value == "occlusion"


@pytest.mark.slow
def test_all_maps_go_into_the_report_where_the_user_wants_them(all_done):
    app = all_done
    assert state_of(app).report_maps == ()
    app.toggle(key="report-all").set_value(True).run()
    assert len(state_of(app).report_maps) == len(METHODS)
    app.toggle(key="report-all").set_value(False).run()
    assert state_of(app).report_maps == ()


def test_one_user_s_maps_take_no_more_than_two_places_in_the_queue(held_up, queue):
    jobs = state_of(held_up).sections[SECTION].jobs
    assert len(jobs) == 2 and {job.state for job in jobs.values()} <= set(LIVE)
    assert len(live(queue)) == 3  # with the map that the page is about


def test_another_page_cancels_what_this_one_waits_for(held_up, queue, slow):
    assert live(queue)
    held_up.switch_page("pages/about.py").run()
    assert slow.cancelled.wait(10) and not live(queue) and not state_of(held_up).sections


def test_another_tab_cancels_the_maps_and_keeps_that_of_the_page(held_up, queue):
    held_up.session_state["explain-part"] = held_up.query_params["explain-part"] = "What if?"
    held_up.run()
    assert len(live(queue)) == 1 and SECTION not in state_of(held_up).sections


@pytest.mark.slow
def test_the_maps_can_be_cancelled_and_continued(held_up, slow):
    app = held_up.button(key="cancel-all-methods").click().run()
    assert slow.cancelled.wait(10)
    slow.go.set()
    app = until_done(press(app, "Continue").run())
    assert viewers(app)["all-lime"]["pictures"][0]["map"] and not errors(app)
    assert state_of(app).sections[SECTION].jobs == {}
