"""What did the board measure for this model, method and class? How far a map can be trusted, in a sentence."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from explain.evaluation.estimates import estimate
from explain.evaluation.sanity import SURVIVES
from explain.evaluation.store import Board, read_board
from model_zoo import Estimate, ModelError

CENTRE = "centre"  # the control to beat: a dot in the middle of the head
UNKNOWN = "The board has not been run for this model and method: how often this map meets the tumour is not known."


@dataclass(frozen=True)
class Trust:
    """What the board found of one method's maps of the model's answer, on marked slices it never trained on.

    Shares are 0 to 1, agreements rank correlations from -1 to 1. None is what was not measured.
    """

    method: str
    class_id: str  # the true class of the slices behind `pointing`; "" for every marked slice
    pointing: Estimate  # share of the slices in which the brightest point lies in the tumour's box
    centre: Estimate | None  # the same share for a dot in the middle of the head, on the same slices
    gain: Estimate | None  # `pointing` less `centre`, slice by slice
    overall: Estimate  # `pointing` on every marked slice
    sanity: Estimate | None  # agreement with the map of the network that forgot all it had learnt: low is good
    fails_sanity: bool | None
    seeds: Estimate | None  # agreement between seeds, of a method that draws at random
    shifts: Estimate | None  # agreement with the map of the slice a little shifted, or with a little noise


def trust(folder: Path, weights_sha256: str, method: str, class_id: str = "") -> Trust | None:
    """Return what the board in a bundle's `folder` says of `method`, for slices whose true class is `class_id`.

    Where no slice of that class is marked, and for "", it is said of all marked slices. None where the board was not
    run for this method, was run for other weights, or cannot be read. Cheap enough to be asked for every method.
    """
    try:
        board = read_board(folder)
    except ModelError:
        return None  # the page on explanation quality says what is wrong with it
    if board is None or board.found["weights"] != weights_sha256 or method not in board.methods:
        return None
    return _trust(board, method, class_id)


@lru_cache(maxsize=1024)
def _trust(board: Board, method: str, class_id: str) -> Trust | None:
    rows = board.marked(method)
    if not rows:
        return None
    of_class = [row for row in rows if row.truth == class_id]
    shown = of_class or rows
    groups = [row.group for row in shown]
    dots = {row.id: row.measures["pointing"] for row in board.marked(CENTRE)}
    points = np.array([row.measures["pointing"] for row in shown])
    beside = np.array([dots.get(row.id, np.nan) for row in shown])
    return Trust(
        method=method,
        class_id=class_id if of_class else "",
        pointing=estimate(points, groups),
        centre=estimate(beside, groups),
        gain=estimate(points - beside, groups),
        overall=estimate(np.array([row.measures["pointing"] for row in rows]), [row.group for row in rows]),
        sanity=board.figure(method, "sanity all"),
        fails_sanity=board.found["methods"][method].get("fails sanity"),
        seeds=board.figure(method, "seeds"),
        shifts=board.figure(method, "shifts and noise"),
    )


def said(found: Trust | None, title: str, name: str) -> str:
    """Return how far to trust a map, in two sentences or three. `title` is the method's, `name` the class's."""
    if found is None:
        return UNKNOWN
    return f"{_met(found, title, name)} {_sane(found)}"


def _met(found: Trust, title: str, name: str) -> str:
    slices = f"{found.pointing.scans:,} marked slices"
    if found.class_id:
        where = f"On {slices} of {name} that the model never trained on"
    elif name:
        where = f"No slice of {name} is marked; on {slices} of other classes that the model never trained on"
    else:
        where = f"On {slices} that the model never trained on"
    share = _per_cent(found.pointing.value) + _interval(found.pointing, "95\u00a0% interval ")
    return f"{where}, the brightest point of {title} lay in the tumour's box in {share}{_beside(found)}."


def _beside(found: Trust) -> str:
    if found.centre is None or found.gain is None:
        return ""
    verdict = ", not clearly less often"
    if found.gain.low > 0:
        verdict = ""
    elif found.gain.high < 0:
        verdict = ", more often"
    return f"; a dot in the middle of the head would in {_per_cent(found.centre.value)}{verdict}"


def _sane(found: Trust) -> str:
    if found.sanity is None:
        return "Sanity was not checked."
    agreement = f"agreement {found.sanity.value:z.2f}, on {found.sanity.scans:,} scans"
    if found.fails_sanity:
        return (
            f"Fails the sanity check: the map stays much the same when the network forgets what it has learnt "
            f"({agreement})."
        )
    return (
        f"Sanity: the map changes when the network forgets what it has learnt ({agreement}; above {SURVIVES:g} it "
        "would fail), as it should."
    )


def short(found: Trust | None) -> str:
    """Return the same for under a small picture: "81 % in the box (69 to 91 %), passes sanity"."""
    if found is None:
        return "not measured"
    sane = {True: "fails sanity", False: "passes sanity", None: "sanity not checked"}[found.fails_sanity]
    return f"{_per_cent(found.pointing.value)} in the box{_interval(found.pointing)}, {sane}"


def _interval(figure: Estimate, words: str = "") -> str:
    if figure.low == figure.high:  # all slices alike: a resample cannot differ, and "100 to 100" would be too sure
        return ""
    return f" ({words}{100 * figure.low:.0f} to {_per_cent(figure.high)})"


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%"  # the sign must not begin a line
