"""The check of a card as it is read: every field of its type, every number in its range, as many names as classes."""

import math
import re
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from model_zoo.metrics import MILLION

_COLDEST, _HOTTEST = 0.01, 100.0  # temperatures: a fit gives 0.2 to 5
_LARGEST_SIDE = 4096  # pixels of a model's input


def first_fault(card: Any) -> str:
    """Return what is wrong with a ModelCard, "" where it is sound: the field, what it holds and what it may hold."""
    return first_wrong_type(card) or next(_wrong_values(card), "")


def first_wrong_type(value: Any) -> str:
    """Return the first field of a dataclass, or of one within it, that holds another type than it declares, else "".

    A number has to be finite. Built from JSON, a dataclass takes whatever the file says.
    """
    return next(_wrong_types(value, type(value), ""), "")


def _wrong_types(value: Any, kind: Any, name: str) -> Iterator[str]:
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind) and isinstance(value, kind):
        hints = get_type_hints(kind)
        for field in fields(kind):
            yield from _wrong_types(getattr(value, field.name), hints[field.name], f"{name}.{field.name}".lstrip("."))
    elif origin in (Union, types.UnionType):
        if not any(_is(value, each) for each in inner):
            yield f"{name} is {_shown(value)}, not {_named(inner)}"
    elif origin is tuple and isinstance(value, tuple):
        same_length = inner[-1] is Ellipsis or len(inner) == len(value)
        if not same_length:
            yield f"{name} has {len(value)} values, not {len(inner)}"
        for place, each in enumerate(value if same_length else ()):
            yield from _wrong_types(each, inner[0] if inner[-1] is Ellipsis else inner[place], name)
    elif origin is dict and isinstance(value, dict):
        for key, each in value.items():
            yield from _wrong_types(each, inner[1], f"{name} of {_shown(key)}")
    elif origin or not _is(value, kind):
        yield f"{name} is {_shown(value)}, not {_named([origin or kind])}"


def _is(value: Any, kind: type) -> bool:
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind


def _named(kinds) -> str:
    names = {
        str: "a text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        tuple: "a list",
        dict: "a group",
    }
    return " or ".join(names.get(kind, "a group") for kind in kinds)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _wrong_values(card: Any) -> Iterator[str]:
    if not _COLDEST <= card.temperature <= _HOTTEST:
        yield f"temperature is {card.temperature:g}, not a number from {_COLDEST:g} to {_HOTTEST:g}"
    if len(card.classes) < 2 or len(set(card.classes)) != len(card.classes) or not all(card.classes):
        yield f"classes are {_shown(card.classes)}, not two or more different ids"
    if len(card.names) != len(card.classes):
        yield f"it has {len(card.names)} names for {len(set(card.classes))} different classes"
    if not all(1 <= side <= _LARGEST_SIDE for side in card.input.shape[:2]) or card.input.channels not in (1, 3):
        shape = " x ".join(map(str, card.input.shape))
        yield f"input is {shape}, not 1 to {_LARGEST_SIDE} pixels a side in 1 or 3 channels"
    if not card.input.value_range[0] < card.input.value_range[1]:
        yield f"input.value_range is {_shown(card.input.value_range)}, not black before white"
    if not re.fullmatch("([0-9a-f]{64})?", card.weights_sha256):  # "": kept without weights
        yield f"weights_sha256 is {_shown(card.weights_sha256)}, not 64 hexadecimal digits"
    for level, thresholds in card.conformal.items():
        if set(thresholds) != set(card.classes) or not all(0 <= each <= MILLION for each in thresholds.values()):
            yield f"conformal of {_shown(level)} is not a threshold from 0 to {MILLION:,} for each class"
    if not 0 <= card.operating_point <= 1:
        yield f"operating_point is {card.operating_point:g}, not a number from 0 to 1"
    for score in card.scores:
        if score.estimate.scans < 0 or not score.estimate.low <= score.estimate.high:
            yield f"the score {_shown(score.name)} of {_shown(score.split)} has no interval on a number of scans"
