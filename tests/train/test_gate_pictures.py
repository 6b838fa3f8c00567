"""Pictures made for the gate, their batches and their labels; the gate's network and its limits."""

import numpy as np
import pytest

from datasets.records import Record
from model_zoo.gate import HEADS
from scans import find_head
from train.gate.made_pictures import photographed, screenshot, several_heads, unreadable, with_text
from train.gate.network import FEATURES, OUTPUTS, gate, pooled_of, saved_form
from train.gate.pictures import GateBatches, KnownBatches, Pool, phantoms_of, truth_of, with_made_pictures
from train.gate.training import chosen_limits
from train.objective import HeadsAccuracy, HeadsLoss
from train.recipe import Recipe, changed, find_recipe

RECIPE = changed(find_recipe("candor-gate")[0], ["size=64", "early_size=64", "weights=none", "batch=8", "limit=3"])


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Phantoms as heads of three sequences, and a few pictures of other kinds."""
    heads = phantoms_of(RECIPE, 5_000, 12)
    sequences = ("T1", "T1C+", "T2", "")
    records = [
        Record(f"head {i}", "head", None, "val", f"g{i}", sequence=sequences[i % 4], cohort="44c", plane="axial")
        for i in range(12)
    ]
    rng = np.random.default_rng(0)
    others = rng.integers(0, 256, (6, 64, 64), dtype=np.uint8)
    kinds = ("ct", "radiograph", "photo") * 2
    records += [Record(f"{kind} {i}", kind, None, "val", f"o{i}", cohort=kind) for i, kind in enumerate(kinds)]
    return Pool(np.concatenate([heads, others]), records, heads)


@pytest.mark.parametrize("make", [several_heads, screenshot, unreadable])
def test_a_made_picture_is_the_same_for_the_same_draws_and_another_for_others(make, pool):
    heads = pool.phantoms
    first, again, other = (make(heads, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == heads[0].shape and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("make", [photographed, with_text])
def test_a_changed_picture_keeps_its_shape_and_leaves_the_first_as_it_was(make, pool):
    head = pool.phantoms[0].copy()
    made = make(head, np.random.default_rng(3))
    assert made.shape == head.shape and made.dtype == np.uint8 and not np.array_equal(made, head)
    assert np.array_equal(head, pool.phantoms[0])


def test_several_heads_are_smaller_than_one(pool):
    for seed in range(5):
        made = several_heads(pool.phantoms, np.random.default_rng(seed))
        alone = find_head(pool.phantoms[0] / np.float32(255))
        one = find_head(made / np.float32(255))
        assert one.width * one.height != alone.width * alone.height


def test_the_truth_is_one_where_it_is_known_and_zero_elsewhere():
    truth = truth_of("head", "coronal", "", "enough")
    assert truth.sum() == 3 and len(truth) == OUTPUTS == sum(map(len, HEADS.values()))
    assert truth_of("photo").sum() == 1


def test_a_batch_of_training_repeats_exactly_and_differs_by_epoch(pool):
    batches = GateBatches(pool, RECIPE)
    pixels, truth = batches[0]
    assert pixels.shape == (8, 64, 64, 3) and truth.shape == (8, OUTPUTS) and 0 <= pixels.min() <= pixels.max() <= 1
    again = GateBatches(pool, RECIPE)[0]
    assert np.array_equal(pixels, again[0]) and np.array_equal(truth, again[1])
    batches.epoch = 1
    assert not np.array_equal(pixels, batches[0][0])


def test_over_many_batches_every_kind_that_there_is_comes_and_none_that_there_is_not(pool):
    drawn = sum(GateBatches(pool, RECIPE)[i][1].sum(axis=0) for i in range(30))
    kinds = dict(zip(HEADS["kind"], drawn, strict=False))
    assert kinds.pop("other-mri") == 0 and min(kinds.values()) > 0


def test_validation_pictures_come_as_they_are_with_what_is_known(pool):
    pixels, truth = KnownBatches(pool, RECIPE)[0]
    assert np.array_equal(np.round(255 * pixels[..., 0]).astype(np.uint8), pool.pixels[:8])
    assert truth[0].sum() == 4 and truth[3].sum() == 3  # kind, plane, sequence, brain; the fourth has no sequence


def test_made_pictures_and_phantoms_join_the_pool_of_their_split(pool):
    larger = with_made_pictures(pool, 2, 7)
    added = larger.records[len(pool.records) :]
    assert len(larger.pixels) == len(larger.records) == len(pool.records) + 8 + len(pool.phantoms)
    assert {r.split for r in added} == {"val"} and {r.label for r in added} == {"heads", "photo", "unreadable", "head"}


def test_the_loss_ignores_a_head_without_a_label():
    logits = np.zeros((1, OUTPUTS), np.float32)
    known, unknown = truth_of("ct")[None], np.zeros((1, OUTPUTS), np.float32)
    assert float(HeadsLoss()(known, logits)) == pytest.approx(np.log(len(HEADS["kind"])), abs=1e-5)
    assert float(HeadsLoss()(unknown, logits)) == 0


def test_the_accuracy_counts_the_labelled_heads_alone():
    metric = HeadsAccuracy()
    logits = np.zeros((2, OUTPUTS), np.float32)
    logits[0, 3] = 1  # CT, and of each other head its first class
    metric.update_state(np.stack([truth_of("ct"), truth_of("head", "coronal")]), logits)
    assert float(metric.result()) == pytest.approx(2 / 3)


@pytest.mark.slow
def test_the_saved_network_gives_the_trained_logits_and_features_in_standard_deviations(pool):
    trained = gate(RECIPE, training=True)
    batch = pool.pixels[..., None].repeat(3, axis=-1).astype(np.float32) / 255
    many = np.concatenate([batch, np.random.default_rng(0).random((60, 64, 64, 3), np.float32)])
    pooled = np.asarray(pooled_of(trained)(many, training=False))
    saved = np.asarray(saved_form(trained, RECIPE, pooled)(many, training=False))
    assert saved.shape == (len(many), OUTPUTS + FEATURES)
    assert np.allclose(saved[:, :OUTPUTS], np.asarray(trained(many, training=False)), atol=1e-4)
    assert np.allclose(saved[:, OUTPUTS:].std(axis=0, ddof=1), 1, atol=0.05)


def test_limits_let_nearly_all_validation_heads_pass_and_name_what_is_mostly_right():
    rng = np.random.default_rng(0)
    records = [Record(f"h{i}", "head", plane="axial", sequence="T2", cohort="44c") for i in range(1000)]
    logits = rng.normal(0, 0.1, (1000, OUTPUTS))
    logits[:, 0] += rng.uniform(2, 6, 1000)  # all are taken for heads, some more surely than others
    logits[:2, 0] = -5
    logits[:, len(HEADS["kind"])] += 5
    far = rng.uniform(1, 2, 1000)
    limits = chosen_limits(records, logits, far)
    assert 0 < limits["least_head"] <= 0.5 and 1.9 < limits["farthest"] <= 2
    assert limits["least_plane"] == 0.6 and limits["least_sequence"] == 0.95  # axial always right, T2 by chance


def test_the_recipe_is_the_gate_s():
    recipe = find_recipe("candor-gate")[0]
    assert isinstance(recipe, Recipe) and (recipe.task, recipe.crop) == ("gate", 0)
