"""Several seeds of one recipe: mean and range of a score, kept beside the model, and only of the very same recipe."""

from dataclasses import fields, replace

import pytest

from model_zoo import ModelError, read_card, write_card
from model_zoo.__main__ import main
from model_zoo.seeds import _UNSET, SEEDS, by_score, gather_seeds, over_seeds, read_seeds, write_seeds
from model_zoo.tables import PREDICTIONS, write_predictions
from model_zoo.verify import bundle_folders, differences, recompute
from tests.conftest import CLASSES
from tests.model_zoo.written_tables import predictions, sure, write_whole_bundle
from train.recipe import Recipe


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Seed 0: 42 of 48 test scans right."""
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    write_whole_bundle(tmp_path / "tiny-phantom4", recipe={"seed": 0, "epochs": 3})
    return tmp_path / "tiny-phantom4"


@pytest.fixture
def other(tmp_path):
    """Seed 1: all of them right."""
    folder = tmp_path / "seed1" / "tiny-phantom4"
    write_whole_bundle(folder, recipe={"seed": 1, "epochs": 3})
    write_predictions(folder / PREDICTIONS, CLASSES, [replace(r, probabilities=sure(r.truth)) for r in predictions()])
    recompute(folder)
    return folder


def test_mean_and_range_of_two_seeds(own, other):
    rows = by_score(gather_seeds(own, [other]))
    assert over_seeds(rows["accuracy", "test", "all scans"]).decimal() == "0.9375 (0.8750 to 1.0000)"
    assert ("accuracy", "val", "all scans") not in rows
    assert {row.seed for same in rows.values() for row in same} == {0, 1}


def test_the_command_keeps_them_on_the_card_and_the_bundle_still_holds(own, other, capsys):
    assert main(["seeds", "tiny-phantom4", str(other)]) == 0
    assert "0.9375 (0.8750 to 1.0000)" in capsys.readouterr().out
    assert "0.9375 (0.8750 to 1.0000)" in (own / "CARD.md").read_text()
    assert differences(own) == [] and len(read_seeds(own)) == 2 * len(by_score(read_seeds(own)))


def test_a_score_that_is_not_the_card_s_is_found(own, other):
    write_seeds(own, [replace(row, value=0.5) for row in gather_seeds(own, [other])])
    assert any("seeds.csv has accuracy of test, all scans, as 0.5; the card says 0.875" in s for s in differences(own))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": {"seed": 1, "epochs": 4}}, "trained with another epochs"),
        ({"recipe": {"seed": 0, "epochs": 3}}, "the seeds are 0, 0"),
        ({"fingerprint": "others"}, "trained with other scans"),
    ],
)
def test_a_bundle_of_another_recipe_seed_or_data_is_refused(own, other, changes, message):
    write_card(replace(read_card(other / "card.json"), **changes), other / "card.json")
    with pytest.raises(ModelError, match=message):
        gather_seeds(own, [other])


@pytest.mark.parametrize("lacking", ["own", "other"])
def test_a_field_that_one_card_lacks_counts_as_its_default(own, other, lacking):
    older, newer = (own, other) if lacking == "own" else (other, own)
    card = read_card(newer / "card.json")
    for mix in (0.4, 0.0):
        write_card(replace(card, recipe=card.recipe | {"mix": mix, "teacher": ""}), newer / "card.json")
        if mix:
            with pytest.raises(ModelError, match="trained with another mix"):
                gather_seeds(own, [other])
    assert "mix" not in read_card(older / "card.json").recipe
    assert {row.seed for row in gather_seeds(own, [other])} == {0, 1}


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_of_every_field_that_a_card_lacks_the_default_is_known(folder):
    card = read_card(folder / "card.json")
    lacking = [] if card.imported else [field for field in fields(Recipe) if field.name not in card.recipe]
    assert {field.name: _UNSET.get(field.name) for field in lacking} == {field.name: field.default for field in lacking}


def test_seeds_come_one_by_one(own, other, tmp_path):
    third = tmp_path / "seed2" / "tiny-phantom4"
    write_whole_bundle(third, recipe={"seed": 2, "epochs": 3})
    for folder in (other, third, other):
        assert main(["seeds", "tiny-phantom4", str(folder)]) == 0
    assert [row.seed for row in by_score(read_seeds(own))["accuracy", "test", "all scans"]] == [0, 1, 2]
    assert "0.9167 (0.8750 to 1.0000)" in (own / "CARD.md").read_text() and differences(own) == []


def test_seeds_of_the_model_before_are_not_mixed_with_those_of_this_one(own, other):
    write_seeds(own, [replace(row, value=0.5) for row in gather_seeds(own, [other])])
    with pytest.raises(ModelError, match="other scores than the card"):
        gather_seeds(own, [other])


def test_a_seed_that_was_not_validated_or_on_other_scans_is_refused(own, other):
    card = read_card(other / "card.json")
    fewer = [s for s in card.scores if s.split == "test" and s.subset == "all scans"]
    write_card(replace(card, scores=tuple(fewer)), other / "card.json")
    with pytest.raises(ModelError, match=r"no scans for seed 1; validate the bundle of each seed on the same data"):
        gather_seeds(own, [other])
    one = next(s for s in card.scores if s.name == "accuracy" and s.split == "test")
    changed = replace(one, estimate=replace(one.estimate, scans=47))
    write_card(replace(card, scores=tuple(changed if s is one else s for s in card.scores)), other / "card.json")
    with pytest.raises(ModelError, match="is of 48 scans for seed 0, 47 scans for seed 1"):
        gather_seeds(own, [other])


@pytest.mark.parametrize("text", ["", "seed,score\n1,accuracy\n", "seed,score,split,subset,value,scans\na,b,c,d,e,f\n"])
def test_a_damaged_table_is_one_sentence(own, text):
    (own / SEEDS).write_text(text)
    with pytest.raises(ModelError, match="cannot be read as a table"):
        read_seeds(own)


def test_a_model_of_one_seed_has_no_such_section(own):
    assert read_seeds(own) == [] and "## Other seeds" not in (own / "CARD.md").read_text()
