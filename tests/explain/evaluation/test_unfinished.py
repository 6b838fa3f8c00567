"""An unfinished evaluation is continued by the model and the methods that began it, and by no others."""

from dataclasses import replace

import pytest

from explain.evaluation.unfinished import PARTIAL, scored_cases, settings_of
from explain.methods import METHODS
from model_zoo import ModelError, load_model
from model_zoo.card_explanations import VERSIONS


@pytest.fixture
def model(in_tiny_zoo):
    return load_model("tiny-phantom4")


def settings(model) -> dict:
    return settings_of(model, [], ["gradcam", "lime"], 1, faithfulness=True)


def test_the_same_model_and_methods_continue(model, tmp_path):
    for _ in range(2):
        assert scored_cases(tmp_path / PARTIAL, settings(model)) == {}


@pytest.mark.parametrize("name", ["input", "tap", "imported"])
def test_a_card_that_gives_other_maps_of_the_same_weights_does_not(model, tmp_path, name):
    scored_cases(tmp_path / PARTIAL, settings(model))
    card = model.card
    others = {"input": replace(card.input, crop=not card.input.crop), "tap": "first", "imported": {"mean": "caffe"}}
    with pytest.raises(ModelError, match=f"with other {name};"):
        scored_cases(tmp_path / PARTIAL, settings(replace(model, card=replace(card, **{name: others[name]}))))


def test_nor_does_another_version_of_a_method(model, tmp_path, monkeypatch):
    scored_cases(tmp_path / PARTIAL, settings(model))
    monkeypatch.setitem(VERSIONS, "lime", METHODS["lime"].version + 1)
    with pytest.raises(ModelError, match="with other methods;"):
        scored_cases(tmp_path / PARTIAL, settings(model))
