"""From the gate's recipe to its bundle: read, split, train, choose the limits on validation, test once."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from datasets.gate_pictures import read_gate_pictures, split_gate_pictures, with_kinds
from datasets.near_duplicates import find_near_duplicates
from datasets.records import Record, fingerprint
from model_zoo import ModelCard, ModelError, read_card, write_card
from model_zoo.gate import (
    ASPECTS,
    GATE_TASK,
    KIND,
    LOGITS,
    by_aspect,
    distances,
    gate_folder,
    read_gate,
    write_reference,
)
from model_zoo.gate_scores import GATE_TABLE, GateRow, read_gate_table, write_gate_table
from model_zoo.runtime import make_runtime
from model_zoo.self_test import SelfTest, write_self_test
from model_zoo.verify import recompute
from model_zoo.weights import load_checked, save_packed, sha256_of
from model_zoo.whole_files import replace_folder
from train.batches import prepare
from train.evaluate import pace
from train.fit import fit, seed_everything
from train.gate.network import pooled_of, saved_form
from train.gate.pictures import PHANTOMS, GateBatches, KnownBatches, Pool, brain_of, phantoms_of, with_made_pictures
from train.initial_weights import initialised_network
from train.networks import network_title
from train.precision import dtype_policy, precision_policy
from train.recipe import Recipe, recipe_of

_MADE = 150  # pictures of each kind that is made, in validation and in test
_REFERENCE = 1500  # heads of the training scans that a distance is measured to
_PRINCIPAL = 6000  # of them, behind the principal components of the features
_SELF_TEST = 3  # phantoms
_BATCH = 64
_SEEDS = {"train": 700_000, "val": 710_000, "test": 720_000}  # of the phantoms of each split
_LIMITS = (
    "Not for diagnosis: a research and teaching tool without regulatory clearance.",
    "FLAIR and the planes were labelled by Candor's makers, not by radiologists.",
    "Its CTs and radiographs are few and of two kinds: heads and chests.",
)


def train_gate(recipe_id: str, recipe: Recipe, data: Path, out: Path, *, resume: bool) -> ModelCard:
    """Train the gate and return the card of its bundle at `out / recipe_id`."""
    seed_everything(recipe.seed)
    with dtype_policy(precision_policy(recipe)):
        network = initialised_network(recipe, LOGITS)
    pools, records = gather_pictures(recipe, data)
    for name, pool in pools.items():
        counts = Counter(record.label for record in pool.records)
        print(f"{name}: " + ", ".join(f"{kind} {number:,}" for kind, number in sorted(counts.items())))
    run = out / ".runs" / recipe_id
    batches = GateBatches(pools["train"], recipe), KnownBatches(pools["val"], recipe)
    trained = fit(network, *batches, recipe, run, data=fingerprint(records), resume=resume)
    part = out / f".{recipe_id}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        card = _write_bundle(part, trained, recipe_id, recipe, pools, records, run, len(batches[0]) * recipe.batch)
        replace_folder(part, out / recipe_id)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # of a bundle that could not be written
    return card


def gather_pictures(recipe: Recipe, data: Path) -> tuple[dict[str, Pool], list[Record]]:
    """Return the pool of each split, those of validation and test with made pictures, and all records.

    A test scan with a near-duplicate in training, as the Kaggle set has, is left out of the test.
    """
    records = read_gate_pictures(data)
    if recipe.limit:
        records = _limited(records, recipe.limit)
    pixels, prints, _ = prepare(records, recipe.spec)
    records = split_gate_pictures(records, find_near_duplicates(prints), recipe.split_seed)
    place = {record.id: i for i, record in enumerate(records)}
    records = with_kinds(records)
    pools = {}
    for split, seed in _SEEDS.items():
        mine = [r for r in records if r.split == split and not (split == "test" and r.near_duplicate)]
        made, heads = (min(most, 4 * recipe.limit) if recipe.limit else most for most in (_MADE, PHANTOMS))
        pool = Pool(pixels[[place[r.id] for r in mine]], mine, phantoms_of(recipe, seed, heads))
        pools[split] = pool if split == "train" else with_made_pictures(pool, made, seed)
    return pools, records


def _limited(records: Sequence[Record], limit: int) -> list[Record]:
    """Return at most `limit` pictures of each collection and label, evenly spread."""
    piles: dict[tuple[str, str, str, str], list[Record]] = {}
    for record in records:
        piles.setdefault((record.cohort, record.label, record.split, record.sequence), []).append(record)
    return [pile[i] for pile in piles.values() for i in sorted(set(np.linspace(0, len(pile) - 1, limit, dtype=int)))]


def _write_bundle(
    folder: Path,
    trained: keras.Model,
    recipe_id: str,
    recipe: Recipe,
    pools: dict[str, Pool],
    records: Sequence[Record],
    run: Path,
    drawn: int,
) -> ModelCard:
    """Pack the network, measure it and write all files of the bundle into `folder`.

    `drawn` is the number of pictures of an epoch, which are drawn from the pool in shares.
    """
    train, rng = pools["train"], np.random.default_rng(recipe.seed)
    chosen = rng.permutation(train.of_kind("head"))[:_PRINCIPAL]
    pooled = pooled_of(trained)
    maps = _in_parts(lambda batch: pooled.predict_on_batch(batch), train.pixels[chosen], recipe)
    weights = folder / "model.keras"
    save_packed(saved_form(trained, recipe, maps), weights)
    packed = load_checked(weights, sha256_of(weights))
    runtime = make_runtime(packed, precision="f32")
    known = np.concatenate([train.pixels[chosen[:_REFERENCE]], train.phantoms])
    write_reference(folder, _in_parts(runtime.logits, known, recipe)[:, LOGITS:])
    phantoms = pools["test"].phantoms[:_SELF_TEST]
    logits = _in_parts(runtime.logits, phantoms, recipe)
    write_self_test(folder, SelfTest(phantoms, logits, np.zeros((len(phantoms), 0, 0), np.float32)))
    shutil.copy(run / "history.csv", folder / "history.csv")
    card = ModelCard(
        id=recipe_id,
        title=f"{network_title(recipe.network)}: what a picture is",
        task=GATE_TASK,
        classes=tuple(ASPECTS[KIND]),
        names=tuple(ASPECTS[KIND].values()),
        input=recipe.spec,
        tap="",
        parameters=packed.count_params(),
        recipe=asdict(replace(recipe, precision=precision_policy(recipe))),
        dataset="Kaggle, figshare, Br35H, 44c and dementia scans, other pictures, and pictures made of both",
        dataset_version=f"{len(records):,} pictures",
        fingerprint=fingerprint(records),
        scans={split: len(pool.records) for split, pool in sorted(pools.items())},
        weights_sha256=sha256_of(weights),
        weights_bytes=weights.stat().st_size,
        temperature=1.0,
        licence="weights Apache-2.0; trained on pictures under the licences of their collections",
        scores=(),
        limits=_LIMITS,
        trainable_parameters=sum(int(np.prod(w.shape)) for w in trained.trainable_weights),
        training=pace(run, drawn),
    )
    write_card(card, folder / "card.json")
    return measure(folder, pools, recipe)


def judge_gate(data: Path) -> ModelCard:
    """Measure the gate that ships again: its table, limits and scores; the weights stay. Return the new card.

    Fewer pictures may be there than at its training, as without the packages. Raises ModelError where one that would
    be measured did not validate or test it before: it may have been trained on it.
    """
    folder = gate_folder()
    card = read_card(folder / "card.json")
    recipe = recipe_of(card.recipe)
    pools, records = gather_pictures(recipe, data)
    if fingerprint(records) != card.fingerprint:
        before = {(row.split, row.id) for row in read_gate_table(folder / GATE_TABLE)}
        measured = [record for split in ("val", "test") for record in pools[split].records]
        if moved := [record for record in measured if (record.split, record.id) not in before]:
            raise ModelError(
                f"the pictures below {data} are divided otherwise than at the gate's training, which may have seen "
                f"{len(moved):,} of those to measure, such as {moved[0].id}; "
                "give --data the collections of that training, or train the gate again"
            )
    return measure(folder, pools, recipe)


def measure(folder: Path, pools: dict[str, Pool], recipe: Recipe) -> ModelCard:
    """Write `gate.csv` of the bundle in `folder`, and the card with the limits and scores that follow from it."""
    gate = read_gate(folder, precision="f32")  # a score must not depend on the processor's bfloat16
    rows = []
    for split in ("val", "test"):
        outputs = _in_parts(gate.runtime.logits, pools[split].pixels, recipe)
        far = distances(outputs[:, LOGITS:], gate.reference)
        for r, p, d in zip(pools[split].records, by_aspect(outputs[:, :LOGITS]), far, strict=True):
            together = tuple(round(x, 5) for by_class in p.values() for x in by_class.values())
            facts = (r.id, r.group, r.split, r.cohort, r.label, r.plane, r.sequence, brain_of(r))
            rows.append(GateRow(*facts, round(float(d), 4), together))
    write_gate_table(folder / GATE_TABLE, rows)
    recompute(folder)
    return read_card(folder / "card.json")


def _in_parts(run: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return what `run` gives for uint8 (N, h, w), batch by batch: all of them in float32 would take gigabytes."""
    parts = []
    for start in range(0, len(pixels), _BATCH):
        unit = pixels[start : start + _BATCH, ..., None].astype(np.float32) / 255
        parts.append(np.asarray(run(np.repeat(unit, recipe.channels, axis=-1)), np.float32))
    return np.concatenate(parts)
