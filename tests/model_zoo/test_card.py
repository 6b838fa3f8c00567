"""A card comes back as it was written, and a broken one is refused with a sentence."""

import json
from dataclasses import replace

import pytest

from model_zoo import Estimate, ModelError, Score, read_card, write_card
from tests.conftest import tiny_network, write_bundle


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    score = Score("accuracy", "test", "all scans", Estimate(0.9, 0.8, 0.95, 100), "predictions.csv")
    return write_bundle(tmp_path_factory.mktemp("zoo") / "tiny-phantom4", tiny_network(), scores=(score,))


def test_a_card_comes_back_as_it_was_written(card, tmp_path):
    write_card(card, tmp_path / "card.json")
    assert read_card(tmp_path / "card.json") == card


def test_a_score_is_found_by_its_name_split_and_subset(card):
    assert card.score("accuracy", "test").value == 0.9
    assert card.score("accuracy", "test", "no near-duplicate in training") is None


def test_a_card_with_a_field_missing_is_refused_by_name(card, tmp_path):
    write_card(card, tmp_path / "card.json")
    values = json.loads((tmp_path / "card.json").read_text())
    del values["temperature"]
    (tmp_path / "card.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match="temperature"):
        read_card(tmp_path / "card.json")


def test_a_card_with_an_unknown_field_is_refused_by_name(card, tmp_path):
    write_card(card, tmp_path / "card.json")
    values = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(values | {"mood": "sunny"}))
    with pytest.raises(ModelError, match="mood"):
        read_card(tmp_path / "card.json")


def test_fields_that_older_cards_lack_have_defaults(card, tmp_path):
    write_card(card, tmp_path / "card.json")
    values = json.loads((tmp_path / "card.json").read_text())
    for name in ("published", "same", "differences", "trainable_parameters", "training"):
        del values[name]
    (tmp_path / "card.json").write_text(json.dumps(values))
    old = read_card(tmp_path / "card.json")
    assert (old.published, old.same, old.differences, old.trainable_parameters, old.training) == ("", (), (), 0, {})


def test_the_facts_of_the_training_come_back(card, tmp_path):
    theirs = {"published": "0.95", "same": ("c",), "differences": ("a", "b")}
    changed = replace(card, **theirs, trainable_parameters=7, training={"epochs": 54})
    write_card(changed, tmp_path / "card.json")
    assert read_card(tmp_path / "card.json") == changed


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"id": 1}'])
def test_a_file_that_is_no_card_is_refused(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ModelError, match="train the model again"):
        read_card(tmp_path / "card.json")
