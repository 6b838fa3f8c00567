"""The model card in Markdown says what the card and its tables say, and nothing that they do not."""

import json
from dataclasses import replace

import pytest

from model_zoo import ModelError, models, read_card, zoo_folder
from model_zoo.card_explanations import explanation_section, version_of
from model_zoo.card_markdown import model_card_markdown


@pytest.fixture
def card(written_bundle):
    return read_card(written_bundle / "card.json")


def section(text: str, title: str) -> str:
    """The part of a Markdown text under a title."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def line(text: str, start: str) -> list[str]:
    """The cells of the table's line that starts so."""
    found = next(line for line in text.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_every_score_of_the_card_is_in_the_text(card, written_bundle):
    text = model_card_markdown(card, written_bundle)
    assert [score for score in card.scores if score.estimate.decimal() not in text] == []


def test_both_accuracies_come_first(card, written_bundle):
    text = model_card_markdown(card, written_bundle)
    whole, apart = card.score("accuracy", "test"), card.score("accuracy", "test", "no near-duplicate in training")
    assert f"Accuracy {whole.decimal()} on 48 test scans, {apart.decimal()} on 32 of them" in text.splitlines()[2]
    scores = section(text, "Scores")
    assert line(scores, "accuracy")[1:3] == [whole.decimal(), apart.decimal()]
    assert line(scores, "scans")[1:] == ["48", "32", "8"]


def test_the_confusion_matrix_is_counted_from_the_predictions(card, written_bundle):
    matrix = section(model_card_markdown(card, written_bundle), "Confusion matrix")
    assert line(matrix, "Glioma") == ["Glioma", "6", "6", "0", "0"]
    assert line(matrix, "Meningioma") == ["Meningioma", "0", "12", "0", "0"]


def test_calibration_is_shown_bin_by_bin(card, written_bundle):
    calibration = section(model_card_markdown(card, written_bundle), "Calibration")
    assert line(calibration, "0.67 to 0.73")[1:] == ["48", "0.7000", "0.8750"]


def test_sequences_cohorts_and_shortcut_tests_have_their_lines(card, written_bundle):
    text = model_card_markdown(card, written_bundle)
    assert line(section(text, "By sequence"), "sequence T2")[1] == "16"  # of 24, without the near-duplicates
    cohorts = section(text, "External validation")
    assert cohorts.index("### 44c") < cohorts.index("### br35h")
    assert line(cohorts, "no near-duplicate in training")[1:3] == [
        "10",
        card.score("accuracy", "cohort 44c", "no near-duplicate in training").decimal(),
    ]
    assert "Pituitary tumour" not in cohorts  # the cohorts have none
    tests = section(text, "Shortcut and robustness tests")
    assert line(tests, "border only")[1] == "8"
    assert "(44c, figshare, kaggle)" in tests and "chance is 0.3333" in tests


def test_the_recipe_and_the_published_system_are_told(card, written_bundle):
    facts = {
        "published": "0.95 (table 3)",
        "same": ("Three blocks.",),
        "differences": ("No ImageNet weights.", "Fewer epochs."),
        "trainable_parameters": 1000,
        "training": {"epochs": 54, "images_per_second": 186.0},
    }
    text = model_card_markdown(replace(card, parameters=3000, **facts), written_bundle)
    training = section(text, "Training")
    assert line(training, "parameters")[1] == "3,000" and line(training, "frozen")[1] == "2,000"
    assert line(training, "images per second")[1] == "186" and line(training, "`network`")[1] == "tiny"
    published = section(text, "The published model and this one")
    assert line(published, "0.95 (table 3)")[1] == card.score("accuracy", "test").decimal()
    assert "The same:\n\n- Three blocks." in published
    assert "Differences:\n\n- No ImageNet weights.\n- Fewer epochs." in published


def test_an_f1_of_the_authors_stands_beside_our_f1(card, written_bundle):
    text = model_card_markdown(replace(card, published="F1 0.95 on random slices"), written_bundle)
    published = section(text, "The published model and this one")
    assert "| The authors | This model, macro F1 on all test scans |" in published
    assert line(published, "F1 0.95 on random slices")[1] == card.score("macro F1", "test").decimal()


def test_what_is_not_known_is_left_out(card, tmp_path):
    """A card without tables or scores has no empty section."""
    text = model_card_markdown(replace(card, scores=()), tmp_path)
    assert "|" not in section(text, "Scores") and "frozen" not in text
    for title in (
        "By class",
        "By sequence",
        "External validation",
        "Shortcut and robustness",
        "Calibration",
        "Confusion",
    ):
        assert f"## {title}" not in text
    assert "## The published" not in text and "not measured" not in text.lower().replace("not measured on", "")


def test_without_near_duplicates_there_is_one_column(card, written_bundle):
    whole = [score for score in card.scores if score.subset != "no near-duplicate in training"]
    same = [replace(score, subset="no near-duplicate in training") for score in whole if score.subset == "all scans"]
    text = model_card_markdown(replace(card, scores=tuple(whole + same)), written_bundle)
    assert line(section(text, "Scores"), "scans")[1:] == ["48", "8"]


def test_a_bar_in_a_name_does_not_break_a_table(card, written_bundle):
    text = model_card_markdown(replace(card, names=("Glioma | grade 4", *card.names[1:])), written_bundle)
    assert "| Glioma \\| grade 4 |" in text


@pytest.mark.parametrize("card", models().values(), ids=lambda card: card.id)
def test_every_shipped_model_card_has_its_use_its_limits_and_its_hash(card):
    text = (zoo_folder() / card.id / "CARD.md").read_text(encoding="utf-8")
    assert "Not for diagnosis" in text and card.weights_sha256 in text and card.licence in text
    assert [limit for limit in card.limits if f"- {limit}" not in text] == []


def test_a_card_has_the_explanation_quality_once_it_was_evaluated(tmp_path):
    assert explanation_section(tmp_path) == ""
    figure = {"value": 0.75, "low": 0.5, "high": 0.9, "scans": 12}
    of_two = figure | {"scans": 2}  # their lower and their higher are no interval
    titles = {name: name.title() for name in ("pointing", "lift", "insertion blur", "deletion blur", "sanity all")}
    methods = {
        "gradcam": {"control": False, "pointing": figure, "lift": figure, "sanity all": of_two, "fails sanity": True},
        "lime": {"control": False, "pointing": figure},  # stored before the versions, of another formula than today's
        "rise": {"control": False, "version": version_of("rise"), "pointing": figure},
        "centre": {"control": True, "pointing": figure},
    }
    (tmp_path / "explanations.json").write_text(
        json.dumps({"scans": 12, "groups": 9, "measures": titles, "methods": methods})
    )
    text = explanation_section(tmp_path)
    assert "12 annotated scans in 9 groups" in text and "| Map | Pointing | Lift |" in text
    assert "| `gradcam` | 0.75 (0.50 to 0.90) | 0.75 (0.50 to 0.90) |  |  | 0.75 (2 scans) fails |" in text
    assert "| control: centre | 0.75 (0.50 to 0.90) |" in text
    assert "| `rise` | 0.75" in text and "lime" not in text


def test_a_broken_summary_is_refused(tmp_path):
    (tmp_path / "explanations.json").write_text("{}")
    with pytest.raises(ModelError, match="run the evaluation again"):
        explanation_section(tmp_path)
