"""A card comes back as it was written, and a broken one is refused with a sentence."""

import json

import pytest

from model_zoo import Figure, ModelError, read_card, write_card
from tests.conftest import tiny_network, write_bundle


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    figure = Figure("accuracy", "test", "all scans", 0.9, 0.8, 0.95, 100, "predictions.csv")
    return write_bundle(tmp_path_factory.mktemp("zoo") / "tiny-phantom4", tiny_network(), figures=(figure,))


def test_a_card_comes_back_as_it_was_written(card, tmp_path):
    write_card(card, tmp_path / "card.json")
    assert read_card(tmp_path / "card.json") == card


def test_a_figure_is_found_by_its_name_split_and_subset(card):
    assert card.figure("accuracy", "test").value == 0.9
    assert card.figure("accuracy", "test", "no twin in training") is None


def test_a_card_with_a_field_missing_is_refused_by_name(card, tmp_path):
    write_card(card, tmp_path / "card.json")
    values = json.loads((tmp_path / "card.json").read_text())
    del values["temperature"]
    (tmp_path / "card.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match="temperature"):
        read_card(tmp_path / "card.json")


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"id": 1}'])
def test_a_file_that_is_no_card_is_refused(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ModelError, match="train the model again"):
        read_card(tmp_path / "card.json")
