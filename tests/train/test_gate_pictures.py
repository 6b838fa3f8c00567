"""Pictures made for the gate, their batches and their labels; the gate's network and its limits."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.gate_pictures import NOT_BRAIN, NOT_BRAIN_KINDS
from datasets.records import Record
from model_zoo import ModelError, read_card, write_card
from model_zoo.gate import ASPECTS, LOGITS, read_gate
from model_zoo.gate_scores import read_gate_table
from model_zoo.verify import differences
from scans import find_head, phantom
from tests.datasets.collections import draw_collections
from train.gate import training
from train.gate.made_pictures import photographed, screenshot, several_heads, unreadable, with_text
from train.gate.network import FEATURES, gate, pooled_of, saved_form
from train.gate.pictures import GateBatches, KnownBatches, Pool, phantoms_of, truth_of, with_made_pictures
from train.gate.training import train_gate
from train.objective import AspectsAccuracy, AspectsLoss
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
    assert truth.sum() == 3 and len(truth) == LOGITS == sum(map(len, ASPECTS.values()))
    assert truth_of("photo").sum() == 1


def test_a_batch_of_training_repeats_exactly_and_differs_by_epoch(pool):
    batches = GateBatches(pool, RECIPE)
    pixels, truth = batches[0]
    assert pixels.shape == (8, 64, 64, 3) and truth.shape == (8, LOGITS) and 0 <= pixels.min() <= pixels.max() <= 1
    again = GateBatches(pool, RECIPE)[0]
    assert np.array_equal(pixels, again[0]) and np.array_equal(truth, again[1])
    batches.epoch = 1
    assert not np.array_equal(pixels, batches[0][0])


def test_over_many_batches_every_kind_that_there_is_comes_and_none_that_there_is_not(pool):
    drawn = sum(GateBatches(pool, RECIPE)[i][1].sum(axis=0) for i in range(30))
    kinds = dict(zip(ASPECTS["kind"], drawn, strict=False))
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
    logits = np.zeros((1, LOGITS), np.float32)
    known, unknown = truth_of("ct")[None], np.zeros((1, LOGITS), np.float32)
    assert float(AspectsLoss()(known, logits)) == pytest.approx(np.log(len(ASPECTS["kind"])), abs=1e-5)
    assert float(AspectsLoss()(unknown, logits)) == 0


def test_the_accuracy_counts_the_labelled_heads_alone():
    metric = AspectsAccuracy()
    logits = np.zeros((2, LOGITS), np.float32)
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
    assert saved.shape == (len(many), LOGITS + FEATURES)
    assert np.allclose(saved[:, :LOGITS], np.asarray(trained(many, training=False)), atol=1e-4)
    assert np.allclose(saved[:, LOGITS:].std(axis=0, ddof=1), 1, atol=0.05)


def test_the_recipe_is_the_gate_s():
    recipe = find_recipe("candor-gate")[0]
    assert isinstance(recipe, Recipe) and (recipe.task, recipe.crop) == ("gate", 0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A gate trained for one short epoch on drawn collections: its bundle, and the folder of the data."""
    data = draw_collections(tmp_path_factory.mktemp("data"))
    rng = np.random.default_rng(0)
    for name in NOT_BRAIN_KINDS:
        (data / NOT_BRAIN / name).mkdir(parents=True)
        for number in range(14):
            coarse = rng.uniform(0, 255, (5, 5)).astype(np.float32)
            picture = cv2.resize(coarse, (80, 80), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(data / NOT_BRAIN / name / f"{number}.png"), picture)
    out = tmp_path_factory.mktemp("zoo")
    short = changed(RECIPE, ["epochs=1", "early=0", "limit=14", "early_size=0", "average=0"])
    train_gate("candor-gate", short, data, out, resume=False)
    return out / "candor-gate", data


@pytest.mark.slow
def test_a_trained_gate_is_a_bundle_whose_card_follows_from_its_table(trained):
    bundle, _ = trained
    files = {"CARD.md", "card.json", "gate.csv", "history.csv", "model.keras", "reference.npz", "self_test.npz"}
    assert {path.name for path in bundle.iterdir()} == files and differences(bundle) == []
    rows = read_gate_table(bundle / "gate.csv")
    assert {row.split for row in rows} == {"val", "test"} and not any(
        "Training" in row.id and row.split == "test" for row in rows
    )
    assert {row.kind for row in rows} >= {"head", "heads", "ct", "radiograph", "photo", "unreadable"}
    exact = read_gate(bundle, precision="f32")  # bfloat16 rounds the small logits of a gate that is hardly trained
    assert exact.check(phantom("glioma", 3).scan).kind in ASPECTS["kind"]


@pytest.mark.slow
def test_the_speed_of_the_gate_s_training_counts_the_pictures_that_were_drawn(trained):
    measured = read_card(trained[0] / "card.json").training
    drawn = 14 * RECIPE.batch  # batches of an epoch with limit=14
    assert measured["images_per_second"] * measured["seconds_per_epoch"] == pytest.approx(drawn, rel=0.02)


@pytest.mark.slow
def test_changed_limits_and_a_changed_row_are_found(trained, tmp_path):
    bundle = shutil.copytree(trained[0], tmp_path / "candor-gate")
    card = read_card(bundle / "card.json")
    write_card(replace(card, gate=card.gate | {"least_head": 0.01}), bundle / "card.json")
    assert any("limits do not follow" in sentence for sentence in differences(bundle))


@pytest.mark.slow
def test_a_gate_that_is_measured_again_gives_the_same_table(trained, tmp_path, monkeypatch):
    bundle = shutil.copytree(trained[0], tmp_path / "candor-gate")
    before = (bundle / "gate.csv").read_bytes()
    monkeypatch.setattr(training, "gate_folder", lambda: bundle)
    (bundle / "gate.csv").unlink()
    training.judge_gate(trained[1])
    assert (bundle / "gate.csv").read_bytes() == before and differences(bundle) == []


@pytest.mark.slow
def test_a_gate_is_measured_on_fewer_collections_where_every_picture_is_in_its_old_part(trained, tmp_path, monkeypatch):
    bundle = shutil.copytree(trained[0], tmp_path / "candor-gate")
    monkeypatch.setattr(training, "gate_folder", lambda: bundle)
    monkeypatch.setattr(training, "measure", lambda folder, pools, recipe: f"measured {folder.name}")
    card = read_card(bundle / "card.json")
    write_card(replace(card, fingerprint="that of the pictures here and of packages"), bundle / "card.json")
    assert training.judge_gate(trained[1]) == "measured candor-gate"


@pytest.mark.slow
def test_a_gate_is_not_measured_on_pictures_that_may_have_trained_it(trained, tmp_path, monkeypatch):
    """Without its first photograph the others are divided otherwise."""
    bundle = shutil.copytree(trained[0], tmp_path / "candor-gate")
    data = shutil.copytree(trained[1], tmp_path / "data")
    (data / NOT_BRAIN / "photo" / "0.png").unlink()
    monkeypatch.setattr(training, "gate_folder", lambda: bundle)
    before = {path: path.read_bytes() for path in bundle.iterdir()}
    with pytest.raises(ModelError, match=r"divided otherwise .* such as not-brain-mri/photo/\d+\.png;"):
        training.judge_gate(data)
    assert {path: path.read_bytes() for path in bundle.iterdir()} == before
