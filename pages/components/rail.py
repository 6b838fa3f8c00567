"""The worklist rail: uploads, or the samples, as small pictures with their state, and the way from one to the next.

It is drawn last in a run of a page, though it stands above: by then it is known what was predicted and explained. The
browser moves along it at once, and tells the server of the scan where the user stops.
"""

from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit import runtime

from pages.components.samples import SAMPLES, sample, sample_picture
from pages.components.scan_states import NEW, state_of
from pages.components.state import state
from pages.components.uploads import entries, remove
from pages.viewer.in_browser import browser_component

KEY = "worklist-rail"

_FOLDER = Path(__file__).parent / "client"
_component = browser_component("candor_rail", (_FOLDER / "rail.js").read_text(), css=(_FOLDER / "rail.css").read_text())


def place_rail() -> None:
    """Take the place in which `draw_rail` draws the rail."""
    state().rail = st.container()


def end_page() -> NoReturn:
    """End a page that has a rail before its end: nothing can be drawn after `st.stop`."""
    draw_rail()
    st.stop()


def draw_rail() -> None:
    """Draw the rail in its place."""
    session, uploads = state(), _uploads()
    lists = [
        {"title": "Worklist", "scans": uploads, "open": True, "removable": True},
    ]
    if session.scan:  # a page without a scan has them in its gallery
        lists.append({"title": "Samples", "scans": _samples(), "open": not uploads, "removable": False})
    with session.rail:
        _component(
            key=KEY,
            data={
                "lists": [each for each in lists if each["scans"]],
                "open": session.scan,
                "chosen": _told("chosen").get("count"),
                "removed": _told("removed").get("count"),
                "kept": len(session.uploads),
            },
            on_chosen_change=_follow,
            on_removed_change=_follow,
        )


def _uploads() -> list[dict]:
    return [
        {
            "name": name,
            "state": state_of(entry),
            "picture": _served(entry.uploads[len(entry.uploads) // 2].picture),
        }
        for name, entry in entries().items()
    ]


def _samples() -> list[dict]:
    states = state().scan_states
    return [
        {"name": name, "state": states.get(sample(name).digest, NEW), "picture": _served(sample_picture(name))}
        for name in SAMPLES
    ]


def _served(picture: bytes) -> str:
    """Return the address at which this session's pages serve a small picture, "" where there is none."""
    if not (picture and runtime.exists()):
        return ""
    return runtime.get_instance().media_file_mgr.add(picture, "image/png", f"{KEY}-{sha256(picture).hexdigest()}")


def _told(what: str) -> dict:
    """Return what the browser told last of what was "chosen" or "removed", {} before it did."""
    told = (st.session_state.get(KEY) or {}).get(what)
    return told if isinstance(told, dict) else {}


def _follow() -> None:
    """Open the scan that was chosen, then remove those that were taken off the list.

    A choice and the removal of what was chosen may come in one message, whose callbacks run in any order.
    """
    if chosen := _news("chosen"):
        _open(chosen.get("scan"))
    names = _news("removed").get("scans")
    for name in names if isinstance(names, list) else []:
        _remove(name)


def _news(what: str) -> dict:
    """Return what the browser told of "chosen" or "removed", {} where it was followed before."""
    told, followed = _told(what), state().rail_followed
    if told.get("count") == followed.get(what):
        return {}
    followed[what] = told.get("count")
    return told


def _open(name: object) -> None:
    """Open a scan, or close the open one for ""; a name that is not listed is passed over."""
    if name in ("", *entries(), *SAMPLES):
        state().open(name or None)


def _remove(name: object) -> None:
    """Remove a scan that is listed; where it was open, its neighbour is opened."""
    session, listed = state(), entries()
    if not isinstance(name, str) or name not in listed:
        return
    left = list(listed)
    place = left.index(name)
    remove(listed[left.pop(place)])
    if session.scan == name:
        session.open(left[min(place, len(left) - 1)] if left else None)
