"""Do the tables of the results compute what their heads say, where the answer is known?"""

import re
from dataclasses import asdict, replace

import keras
import numpy as np
import pytest

from benchmarks import map_placement, model_tables, random_slices, single_changes
from benchmarks.__main__ import NAMES
from benchmarks.ablation_tables import balanced_accuracy, best_shifted, kinds_of_errors
from benchmarks.cost_tables import training_cost
from benchmarks.map_placement import receptive_offset, shifted
from benchmarks.model_tables import errors
from benchmarks.neighbour_tables import figshare_numbers, neighbours
from benchmarks.record import RESULTS, read_results
from benchmarks.trust_tables import gate_near_and_far
from model_zoo import models
from model_zoo.gate import GATE
from model_zoo.gate_scores import FAR, GATE_TABLE, NEAR, read_gate_table
from model_zoo.tables import read_predictions
from model_zoo.zoo import bundle_folder
from scans import InputSpec
from tests.explain.networks import make, model_of
from train.recipe import find_recipe


def test_a_class_that_is_there_counts_the_same_however_many_scans_it_has():
    truth = np.array([0] * 98 + [2] * 2)
    assert balanced_accuracy(truth, np.zeros(100, int)) == 0.5


def test_the_best_shift_undoes_one_number_that_was_added_to_the_logits_of_a_class():
    truth = np.repeat([0, 1, 2], [50, 20, 5])
    logits = 2.0 * np.eye(3)[truth] + [0, 0, 4.5]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert balanced_accuracy(truth, p.argmax(axis=1)) == pytest.approx(1 / 3)
    assert balanced_accuracy(truth, best_shifted(truth, p)) == 1


def test_no_shift_tells_classes_apart_that_a_model_takes_for_each_other():
    truth = np.array([0, 1] * 20)
    p = np.tile([0.9, 0.1], (40, 1))
    assert balanced_accuracy(truth, best_shifted(truth, p)) == 0.5


def test_the_table_of_the_gate_counts_the_others_without_the_heads_and_the_heads_once():
    test = [row for row in read_gate_table(bundle_folder(GATE) / GATE_TABLE) if row.split == "test"]
    table = gate_near_and_far()
    assert table.startswith(f"{sum(row.accepted for row in test):,} heads")
    for name, kinds in (("near", NEAR), ("far", FAR)):
        assert f"| {name} | {sum(row.kind in kinds for row in test):,} |" in table


def test_each_training_of_a_length_differs_from_the_first_in_what_its_line_says():
    recipe, _ = find_recipe(single_changes.OF)
    trainings = read_results("single_changes")["trainings"]
    lengths, changes = single_changes.LENGTHS.values(), single_changes.CHANGES.values()
    named = [(each["length"], each["training"], each["set"]) for each in trainings]
    assert named == [(words, *change) for words, _ in lengths for change in changes]
    assert len({each["weights"] for each in trainings}) == len(trainings) > len(lengths)
    for words, settings in lengths:
        plain = replace(recipe, **settings)
        sides = {plain.early_size, plain.size} - {0}
        assert {int(number) for number in re.findall(r"\d+", words)} == {plain.epochs, *sides}
        (_, nothing), *others = changes
        assert nothing == {} and others
        for _, change in others:
            assert change and all(getattr(plain, field) != value for field, value in change.items())


def test_slices_divided_at_random_are_compared_with_the_model_that_is_shipped():
    found = read_results("random_slices")
    blocks, at_random = found["divisions"].values()
    card = models()[found["recipe"]]
    assert blocks["weights"] == card.weights_sha256 != at_random["weights"]
    assert blocks["test"] == asdict(card.score("macro F1", "test"))
    assert found["set"] == random_slices.RANDOM and find_recipe(found["recipe"])[0].block


def test_errors_that_nobody_looked_at_are_not_counted_as_free_of_doubtful_labels(monkeypatch):
    monkeypatch.setattr(model_tables, "_LOOKED_AT", ("candor-figshare3",))
    rows = [line for line in errors().splitlines() if "`candor-" in line]
    assert rows
    for row in rows:
        assert ("not looked at" in row) != ("`candor-figshare3`" in row)


def test_errors_between_two_lesions_and_scans_without_a_lesion_are_counted():
    row = next(line for line in errors().splitlines() if "`candor-44c15`" in line)
    table = read_predictions(
        bundle_folder("candor-44c15") / "predictions.csv", (card := models()["candor-44c15"]).classes
    )
    called = [(card.classes[int(np.argmax(each.probabilities))], each.truth) for each in table if each.split == "test"]
    wrong = [pair for pair in called if pair[0] != pair[1]]
    between = [pair for pair in wrong if "normal" not in pair]
    assert 0 < len(between) < len(wrong)
    assert row.split(" | ")[3:] == [str(len(wrong)), str(len(between)), "0", "4 |"]


@pytest.mark.slow
def test_kinds_of_errors_are_those_of_every_model_of_four_classes_that_never_saw_44c():
    table = kinds_of_errors()
    assert "`candor-without-44c-pooled4`" in table and "`candor-kaggle4`" in table
    assert "`candor-pooled4`" not in table and "figshare3" not in table


def test_a_head_without_a_tumour_that_lies_in_figshare_s_folder_counts_as_br35h_s():
    """figshare itself has tumours alone: none of its labels says that there is none."""
    rows = [line.strip("| ").split(" | ") for line in errors().splitlines()]
    counted = {collection: numbers for model, collection, *numbers in rows if model == "`candor-pooled4`"}
    assert counted["figshare"][:4] == ["544", "21", "21", "0"] and counted["Br35H"][:4] == ["298", "15", "0", "14"]


def test_a_training_that_stopped_early_has_the_epochs_and_the_time_that_it_took():
    """Of `cnn3-figshare3`'s 40 epochs of 5.8 s it took 18."""
    rows = {line.split("`")[1]: line for line in training_cost().splitlines() if line.startswith("| `")}
    assert "| 18 epochs, 2 min |" in rows["cnn3-figshare3"]
    for name, row in rows.items():
        history = (bundle_folder(name) / "history.csv").read_text().splitlines()
        assert f"| {len(history) - 1} epochs," in row


def test_a_kaggle_scan_that_is_a_copy_of_a_figshare_slice_has_its_number_and_its_neighbours_are_two_slices_away():
    numbers = figshare_numbers()
    assert numbers["brain-tumor-mri-dataset/Testing/glioma/Te-gl_0152.jpg"] == {("glioma", 2552)}
    assert numbers["figshare-brain-tumor/glioma/2552.jpg"] == {("glioma", 2552)}
    assert not any("/notumor/" in scan for scan in numbers if scan.startswith("figshare"))
    assert neighbours({("glioma", 9)}) == {("glioma", number) for number in (7, 8, 10, 11)}


def test_cells_of_a_network_that_pads_both_sides_before_a_stride_see_up_and_left_of_where_they_are_drawn():
    """Cell i of five such strides sees pixel 32 i, and is drawn around 32 i + 16."""
    picture = cells = keras.Input((224, 224, 1))
    for stage in range(5):
        cells = keras.layers.ZeroPadding2D(1)(cells)
        cells = keras.layers.Conv2D(1, 3, strides=2, use_bias=False, name=f"stage{stage}")(cells)
    logits = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(cells))
    network = keras.Model(picture, logits)
    middle = np.zeros((3, 3, 1, 1), np.float32)
    middle[1, 1] = 1
    for stage in range(5):
        network.get_layer(f"stage{stage}").set_weights([middle])
    model = model_of(network, input=InputSpec(224, 224, channels=1), tap="stage4")
    offset, error = receptive_offset(model)
    assert offset == pytest.approx([-15.5, -15.5]) and error == pytest.approx([0, 0])
    spot = np.zeros((64, 64), np.float32)
    spot[40, 30] = 1
    assert np.unravel_index(shifted(spot, np.array([-15.0, 4.0])).argmax(), spot.shape) == (25, 34)


def test_the_error_of_a_cell_s_place_does_not_shrink_with_copies_of_one_phantom(monkeypatch):
    model = model_of(make("functional"))
    errors_of = []
    for count in (1, 4):
        monkeypatch.setattr(map_placement, "PHANTOMS", count * (("glioma", 1),))
        errors_of.append(receptive_offset(model)[1])
    assert errors_of[0] == pytest.approx(errors_of[1]) and errors_of[0].min() > 0


def test_every_measurement_is_taken_by_make_bench_or_is_a_run_of_its_own():
    stored = {path.stem.removesuffix("-avx2") for path in RESULTS.glob("*.json")}
    assert stored <= {*NAMES, "int8", "random_slices", "single_changes", "fuzz", "image"}
