"""The worklist rail: what it lists and says of each scan, and that it opens, closes and removes them."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from pages.components import rail as rail_of_page
from pages.components import scan_states
from pages.components.rail import KEY
from pages.components.samples import SAMPLES
from scans import phantom
from tests.good_files import nifti, png
from tests.pages.conftest import (
    SAMPLE,
    errors,
    open_app,
    open_in_rail,
    predicted_class,
    press,
    rail,
    remove_in_rail,
    state_of,
    tell_rail,
    upload,
)

HEADS = [png(phantom(kind, 1).scan.pixels) for kind in ("glioma", "meningioma", "notumor")]
FILES = [(f"{name}.png", data) for name, data in zip("abc", HEADS, strict=True)]


@pytest.fixture(autouse=True)
def tiny(in_tiny_zoo):
    """The tiny zoo: these tests are about the list."""


def states(app, title: str = "Worklist") -> dict[str, str]:
    """What the rail says of each scan in a list."""
    (listed,) = [each["scans"] for each in rail(app)["lists"] if each["title"] == title]
    return {scan["name"]: scan["state"] for scan in listed}


def test_without_uploads_the_samples_are_listed_and_the_next_is_one_step_away(queue):
    app = open_app(queue, scan=SAMPLE).run()
    assert list(states(app, "Samples")) == list(SAMPLES) and states(app, "Samples")[SAMPLE] == "explained"
    second = list(SAMPLES)[1]
    open_in_rail(app, second)
    assert state_of(app).scan == second == rail(app)["open"] and predicted_class(app)


def test_the_latest_upload_is_open_and_explained_and_the_others_are_new_until_they_are_opened(app):
    upload(app.run(), *FILES)
    assert states(app) == {"c.png": "explained", "b.png": "new", "a.png": "new"} and rail(app)["kept"] == 3
    open_in_rail(app, "a.png")
    assert states(app) == {"c.png": "explained", "b.png": "new", "a.png": "explained"}


def test_the_table_predicts_all_and_the_rail_says_so(queue):
    app = open_app(queue)
    app.session_state["explain-part"] = "Worklist"
    upload(app.run(), *FILES)
    assert states(app) == {"c.png": "explained", "b.png": "predicted", "a.png": "predicted"}


def test_a_picture_without_a_head_is_withheld(app):
    blank = np.zeros((64, 64), np.float32)
    blank[0, 0] = 1
    upload(app.run(), FILES[0], ("blank.png", png(blank)))
    open_in_rail(app, "blank.png")
    assert states(app)["blank.png"] == "withheld" and not predicted_class(app)


def test_a_slice_that_is_withheld_takes_nothing_back_from_its_file(monkeypatch):
    scan = phantom("glioma", 1).scan
    for before, reached in product(scan_states.STATES, repeat=2):
        session = SimpleNamespace(scan_states={scan.digest: before})
        monkeypatch.setattr(scan_states, "state", lambda session=session: session)
        scan_states.note(scan, reached)
        further = max(before, reached, key=["new", "withheld", "predicted", "explained"].index)
        assert session.scan_states == {scan.digest: further}


def test_a_scan_is_closed_and_a_name_that_is_not_listed_is_passed_over(app):
    upload(app.run(), *FILES)
    assert rail(app)["chosen"] is None
    open_in_rail(app, "nobody.png")
    assert state_of(app).scan == "c.png" and not errors(app)
    assert rail(app)["chosen"] == app.session_state[KEY]["chosen"]["count"]  # by which the browser knows that it was
    open_in_rail(app, None)
    assert state_of(app).scan is None and app.title and list(states(app)) == ["c.png", "b.png", "a.png"]


def test_one_scan_is_removed_from_memory_and_its_neighbour_is_opened(app):
    upload(app.run(), *FILES)
    remove_in_rail(app, "c.png")
    assert list(state_of(app).uploads) == ["a.png", "b.png"] and state_of(app).scan == "b.png"
    remove_in_rail(app, "a.png")
    assert state_of(app).scan == "b.png" and predicted_class(app) and rail(app)["kept"] == 1
    remove_in_rail(app, "b.png")
    assert state_of(app).uploads == {} and state_of(app).scan is None and not errors(app) and app.title


def test_a_choice_and_the_removal_of_what_was_chosen_come_in_one_message(app):
    """Of a page that ran meanwhile. Streamlit calls what each of the two changed in an order that varies by process."""
    upload(app.run(), *FILES)
    tell_rail(app, chosen={"scan": "a.png"}, removed={"scans": ["a.png"]})
    assert list(state_of(app).uploads) == ["b.png", "c.png"] and state_of(app).scan == "b.png"


@pytest.mark.parametrize("first", ["chosen", "removed"])
def test_what_was_chosen_and_removed_is_done_once_and_the_choice_first(app, monkeypatch, first):
    upload(app.run(), *FILES)
    done = []
    monkeypatch.setattr(rail_of_page, "_open", lambda name: done.append(("open", name)))
    monkeypatch.setattr(rail_of_page, "_remove", lambda name: done.append(("remove", name)))
    told = {"chosen": {"scan": "a.png"}, "removed": {"scans": ["a.png"]}}
    tell_rail(app, **{first: told[first]})
    assert len(done) == 1
    tell_rail(app, **told)
    assert done[1:] == [("open", "a.png"), ("remove", "a.png")]


def test_the_browser_learns_which_removals_were_followed(app):
    """A new file may have the name of one that was removed: else it would be removed with the next."""
    upload(app.run(), *FILES)
    assert rail(app)["removed"] is None
    remove_in_rail(app, "a.png")
    assert rail(app)["removed"] == app.session_state[KEY]["removed"]["count"]


def test_a_scan_that_is_chosen_before_new_files_are_read_stays_open(queue):
    app = open_app(queue, scan=SAMPLE).run()
    app.file_uploader[0].set_value([(name, data, "image/png") for name, data in FILES])
    tell_rail(app, chosen={"scan": (second := list(SAMPLES)[1])})
    assert set(states(app)) == {"a.png", "b.png", "c.png"} and state_of(app).scan == second


def test_scans_removed_while_the_page_ran_are_all_removed(app):
    """The browser names all that the server may not know of: of two values in a row a run sees the last alone."""
    upload(app.run(), *FILES)
    remove_in_rail(app, "c.png", "b.png")
    assert list(state_of(app).uploads) == ["a.png"] and state_of(app).scan == "a.png"
    remove_in_rail(app, "c.png", "nobody.png")  # gone already
    assert list(state_of(app).uploads) == ["a.png"] and not errors(app)


def test_a_small_picture_is_made_of_each_file_when_it_is_read_and_not_again(app, monkeypatch):
    pixels = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    volume = nifti((np.stack([pixels] * 5, -1) * 1000).astype(np.int16))
    upload(app.run(), FILES[0], ("v.nii", volume))
    pictures = {name: each.picture for name, each in state_of(app).uploads.items()}
    assert all(picture.startswith(b"\x89PNG") and len(picture) < 20_000 for picture in pictures.values())
    monkeypatch.setattr("pages.components.reading.small_picture", None)
    open_in_rail(app, "a.png")
    press(app, "Next method")
    assert not app.exception and {n: each.picture for n, each in state_of(app).uploads.items()} == pictures
