"""Every number of every shipped card follows from its files, and whatever does not is found and named."""

import json
from dataclasses import replace

import pytest

from model_zoo import ModelError, models, read_card, write_card
from model_zoo.__main__ import main
from model_zoo.card_markdown import write_model_card
from model_zoo.verify import bundle_folders, differences, recompute, shelve


@pytest.mark.slow
@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_every_shipped_card_follows_from_its_files(folder):
    assert differences(folder) == []


def test_a_bundle_as_it_was_written_holds(bundle, capsys):
    assert differences(bundle) == []
    assert main(["verify"]) == 0
    printed = capsys.readouterr().out
    count = len(read_card(bundle / "card.json").scores)
    assert printed.startswith("tiny-phantom4: holds (") and printed.count("\n") == 1
    assert f"{count} scores from predictions.csv and cohorts.csv and shortcut_tests.csv and sources.csv" in printed


def changed(bundle, **facts) -> None:
    """Give the bundle a card with other facts, and the Markdown that follows from it."""
    card = replace(read_card(bundle / "card.json"), **facts)
    write_card(card, bundle / "card.json")
    write_model_card(card, bundle)


def with_estimate(score, **changes):
    """The score with other numbers."""
    return replace(score, estimate=replace(score.estimate, **changes))


def test_a_score_changed_by_its_last_decimal_is_found(bundle, capsys):
    first, *rest = read_card(bundle / "card.json").scores
    changed(bundle, scores=(with_estimate(first, value=first.estimate.value - 0.0001), *rest))
    assert main(["verify", "tiny-phantom4"]) == 1
    head, sentence = capsys.readouterr().out.splitlines()
    assert head == "tiny-phantom4: 1 difference"
    assert "the accuracy of val, all scans, from predictions.csv as 0.9999" in sentence
    assert "the file gives 1.0000" in sentence


@pytest.mark.parametrize("fact", ["low", "high", "scans"])
def test_a_changed_interval_or_count_is_found(bundle, fact):
    scores = read_card(bundle / "card.json").scores
    changed(bundle, scores=(*scores[:-1], with_estimate(scores[-1], **{fact: 7})))
    (sentence,) = differences(bundle)
    assert scores[-1].name in sentence


def test_a_score_left_out_added_or_there_twice_is_found(bundle):
    first, second, *rest = read_card(bundle / "card.json").scores
    changed(bundle, scores=(first, first, replace(second, name="charm"), *rest))
    printed = " ".join(differences(bundle))
    assert "the accuracy of val, all scans, from predictions.csv more than once" in printed
    assert "the charm of val, all scans, from predictions.csv, which does not follow" in printed
    assert "lacks the balanced accuracy of val" in printed


def test_one_changed_byte_of_the_weights_is_found(bundle):
    weights = bytearray((bundle / "model.keras").read_bytes())
    weights[len(weights) // 2] ^= 1
    (bundle / "model.keras").write_bytes(weights)
    (sentence,) = differences(bundle)
    assert "sha256" in sentence


def test_weights_cut_short_or_gone_are_found(bundle):
    weights = (bundle / "model.keras").read_bytes()
    (bundle / "model.keras").write_bytes(weights[:-1])
    assert "bytes" in differences(bundle)[0] and "sha256" in differences(bundle)[1]
    (bundle / "model.keras").unlink()
    (sentence,) = differences(bundle)
    assert "cannot be read" in sentence


@pytest.mark.parametrize("name", ["cohorts.csv", "shortcut_tests.csv", "sources.csv", "predictions.csv"])
def test_a_missing_table_is_found(bundle, name):
    (bundle / name).unlink()
    assert f"{name} is missing: the card's scores from it cannot be computed." in differences(bundle)


def test_a_card_without_any_table_does_not_hold(bundle):
    for path in bundle.glob("*.csv"):
        path.unlink()
    changed(bundle, scores=())
    (sentence,) = differences(bundle)
    assert "no score of this card can be computed" in sentence


def test_one_changed_prediction_is_found(bundle):
    path = bundle / "cohorts.csv"
    path.write_text(
        path.read_text().replace("notumor,,0.100000,0.100000,0.700000", "notumor,,0.700000,0.100000,0.100000", 1)
    )
    printed = differences(bundle)
    assert any("accuracy of cohort 44c" in sentence for sentence in printed)


def test_a_table_of_other_classes_is_found(bundle):
    path = bundle / "shortcut_tests.csv"
    path.write_text(path.read_text().replace("p_notumor", "p_normal"))
    (sentence,) = differences(bundle)
    assert "other columns" in sentence and "p_normal" in sentence


def test_another_id_and_other_names_are_found(bundle):
    card = read_card(bundle / "card.json")
    write_card(replace(card, id="other-phantom4"), bundle / "card.json")
    assert "'other-phantom4'" in differences(bundle)[0]
    write_card(replace(card, names=("Glioma",)), bundle / "card.json")
    (sentence,) = differences(bundle)
    assert "1 names for 4 different classes" in sentence


def test_scans_that_the_card_does_not_count_are_found(bundle):
    changed(bundle, scans={"val": 8, "test": 49})
    assert differences(bundle) == ["predictions.csv has 48 scans of the split test, the card says 49."]


@pytest.mark.parametrize("text", [b"", b"# Another model\n", b"\xff\xfe"])
def test_a_model_card_changed_by_hand_is_found(bundle, text):
    (bundle / "CARD.md").write_bytes(text)
    (sentence,) = differences(bundle)
    assert "python -m model_zoo cards" in sentence
    assert main(["cards"]) == 0 and differences(bundle) == []


def test_a_broken_card_does_not_stop_the_others(bundle, capsys):
    (bundle.parent / "broken-phantom4").mkdir()
    (bundle.parent / "broken-phantom4" / "card.json").write_text("{")
    assert main(["verify"]) == 1
    printed = capsys.readouterr().out
    assert "broken-phantom4: 1 difference" in printed and "tiny-phantom4: holds" in printed


def test_recomputing_corrects_a_card(bundle, capsys):
    before = (bundle / "card.json").read_text()
    changed(bundle, scores=())
    assert len(differences(bundle)) == len(json.loads(before)["scores"])
    assert main(["recompute", "tiny-phantom4"]) == 0
    assert (bundle / "card.json").read_text() == before and differences(bundle) == []
    assert recompute(bundle) == 0


def test_recomputing_drops_no_score_whose_table_is_missing(bundle):
    before = {path.name: path.read_bytes() for path in bundle.iterdir() if path.name != "shortcut_tests.csv"}
    (bundle / "shortcut_tests.csv").unlink()
    with pytest.raises(ModelError, match=r"no shortcut_tests\.csv, which its card cites"):
        recompute(bundle)
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before


def test_a_system_without_weights_is_verified_and_not_offered(bundle, capsys):
    place = bundle.parent / "measured" / "huge-phantom4"
    place.parent.mkdir()
    bundle.rename(place)
    (place / "model.keras").unlink()
    changed(place, id="huge-phantom4", weights_sha256="", weights_bytes=0)
    assert models() == {} and bundle_folders(["huge-phantom4"]) == [place]
    assert main(["verify"]) == 0
    assert (
        capsys.readouterr().out.startswith("huge-phantom4: holds (")
        and "not shipped" in (place / "CARD.md").read_text()
    )


def test_an_unknown_model_and_an_empty_zoo_are_one_sentence(bundle, tmp_path, monkeypatch, capsys):
    assert main(["verify", "../tiny-phantom4"]) == 2
    assert "the zoo has tiny-phantom4" in capsys.readouterr().err
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "empty"))
    assert main(["verify"]) == 2
    assert "python -m train" in capsys.readouterr().err


def test_a_shelved_bundle_keeps_its_tables_and_not_its_weights(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "zoo"))
    place = shelve(bundle)
    assert place == tmp_path / "zoo" / "measured" / bundle.name
    kept = {path.name for path in bundle.iterdir()} - {"model.keras"}
    assert {path.name for path in place.iterdir()} == kept and differences(place) == []
    assert shelve(bundle) == place  # again: what stood there is replaced
