"""From the gate's recipe to its bundle: read, split, train, choose the limits on validation, test once."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from datasets.gate_pictures import read_gate_pictures, split_gate_pictures, with_kinds
from datasets.near_duplicates import find_near_duplicates
from datasets.records import Record, fingerprint
from model_zoo import ModelCard, write_card
from model_zoo.card_markdown import write_model_card
from model_zoo.gate import (
    GATE_TASK,
    HEADS,
    KIND,
    PLANE,
    REFERENCE,
    SEQUENCE,
    by_head,
    distances,
    write_reference,
)
from model_zoo.gate_scores import GATE_TABLE, GateRow, gate_scores, write_gate_table
from model_zoo.runtime import make_runtime
from model_zoo.self_test import SelfTest, write_self_test
from model_zoo.weights import load_checked, save_packed, sha256_of
from model_zoo.whole_files import replace_folder
from train.batches import prepare
from train.evaluate import pace
from train.fit import fit, precision_policy, seed_everything
from train.gate.network import OUTPUTS, pooled_of, saved_form
from train.gate.pictures import GateBatches, KnownBatches, Pool, brain_of, phantoms_of, with_made_pictures
from train.initial_weights import initialised_network
from train.networks import network_title
from train.recipe import Recipe

_MADE = 150  # pictures of each kind that is made, in validation and in test
_REFERENCE = 1500  # heads of the training scans that a distance is measured to
_SEEDS = {"train": 700_000, "val": 710_000, "test": 720_000}  # of the phantoms of each split
_WRONGLY = 0.003  # of the validation heads: how many the kind may withhold, and how many the distance
_SURE = 0.98  # of the planes and sequences that are named on validation, how many must be right
_LIMITS = (
    "Not for diagnosis: a research and teaching tool without regulatory clearance.",
    "FLAIR and the planes were labelled by Candor's makers, not by radiologists.",
    "Its CTs and radiographs are few and of two kinds: heads and chests.",
)


def train_gate(recipe_id: str, recipe: Recipe, data: Path, out: Path, *, resume: bool) -> ModelCard:
    """Train the gate and return the card of its bundle at `out / recipe_id`."""
    seed_everything(recipe.seed)
    keras.mixed_precision.set_dtype_policy(precision_policy(recipe))
    network = initialised_network(recipe, OUTPUTS)
    pools, records = gather_pictures(recipe, data)
    for name, pool in pools.items():
        counts = Counter(record.label for record in pool.records)
        print(f"{name}: " + ", ".join(f"{kind} {number:,}" for kind, number in sorted(counts.items())))
    run = out / ".runs" / recipe_id
    batches = GateBatches(pools["train"], recipe), KnownBatches(pools["val"], recipe)
    trained = fit(network, *batches, recipe, run, data=fingerprint(records), resume=resume)
    part = out / f".{recipe_id}.part"
    part.mkdir(parents=True, exist_ok=True)
    card = _write_bundle(part, trained, recipe_id, recipe, pools, records, run)
    replace_folder(part, out / recipe_id)
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
        pool = Pool(pixels[[place[r.id] for r in mine]], mine, phantoms_of(recipe, seed))
        made = min(_MADE, 4 * recipe.limit) if recipe.limit else _MADE
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
) -> ModelCard:
    known = _as_inputs(pools["train"], recipe)
    heads = pools["train"].of_kind("head")
    rng = np.random.default_rng(recipe.seed)
    chosen = rng.permutation(heads)[: 4 * _REFERENCE]
    pooled = np.asarray(pooled_of(trained).predict(known[chosen], batch_size=32, verbose=0), np.float32)
    weights = folder / "model.keras"
    save_packed(saved_form(trained, recipe, pooled), weights)
    packed = load_checked(weights, sha256_of(weights))
    runtime = make_runtime(packed, precision="f32")
    reference = runtime.logits(known[chosen[:_REFERENCE]])[:, OUTPUTS:]
    write_reference(
        folder, np.concatenate([reference, runtime.logits(_unit(pools["train"].phantoms, recipe))[:, OUTPUTS:]])
    )
    with np.load(folder / REFERENCE) as arrays:
        reference = arrays["features"].astype(np.float32)

    given = {}
    for split in ("val", "test"):
        outputs = runtime.logits(_as_inputs(pools[split], recipe))
        given[split] = outputs[:, :OUTPUTS], distances(outputs[:, OUTPUTS:], reference)
    limits = chosen_limits(pools["val"].records, *given["val"])
    rows = [
        GateRow(
            r.id, r.group, r.split, r.cohort, r.label, r.plane, r.sequence, brain_of(r),
            round(float(d) / limits["farthest"], 4),
            tuple(round(p, 5) for by_class in p_of.values() for p in by_class.values()),
        )
        for split, (logits, far) in given.items()
        for r, p_of, d in zip(pools[split].records, by_head(logits), far, strict=True)
    ]  # fmt: skip
    write_gate_table(folder / GATE_TABLE, rows)
    card = ModelCard(
        id=recipe_id,
        title=f"{network_title(recipe.network)}: what a picture is",
        task=GATE_TASK,
        classes=tuple(HEADS[KIND]),
        names=tuple(HEADS[KIND].values()),
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
        scores=gate_scores(rows, limits),
        limits=_LIMITS,
        trainable_parameters=sum(int(np.prod(w.shape)) for w in trained.trainable_weights),
        training=pace(run, len(pools["train"].records)),
        gate=limits,
    )
    write_card(card, folder / "card.json")
    pixels = np.round(255 * _unit(pools["test"].phantoms[:3], recipe)[..., 0]).astype(np.uint8)
    phantoms = SelfTest(pixels, runtime.logits(_unit(pixels, recipe)), np.zeros((3, 0, 0), np.float32))
    write_self_test(folder, phantoms)
    shutil.copy(run / "history.csv", folder / "history.csv")
    write_model_card(card, folder)
    return card


def _as_inputs(pool: Pool, recipe: Recipe) -> np.ndarray:
    return _unit(pool.pixels, recipe)


def _unit(pixels: np.ndarray, recipe: Recipe) -> np.ndarray:
    return np.repeat(pixels[..., None].astype(np.float32) / 255, recipe.channels, axis=-1)


def chosen_limits(records: Sequence[Record], logits: np.ndarray, far: np.ndarray) -> dict[str, float]:
    """Return the limits of a gate, from logits (N, OUTPUTS) and distances (N,) of the validation pictures.

    The kind and the distance each withhold at most 0.3 % of the heads, and no collection loses more than 1 % to one of
    them; a plane or sequence is named from the least probability at which 98 % of the named ones are right.
    """
    p = by_head(logits)
    is_head = np.array([brain_of(r) == "enough" for r in records])
    cohorts = np.array([r.cohort for r in records])
    sure = np.array([one[KIND]["head"] for one in p])
    parts = [(is_head, _WRONGLY), *((is_head & (cohorts == name), 0.01) for name in sorted(set(cohorts[is_head])))]
    least = min(float(np.quantile(sure[mine], share, method="lower")) for mine, share in parts)
    limits = {
        "least_head": round(min(0.5, least), 4),
        "farthest": round(max(float(np.quantile(far[mine], 1 - share, method="higher")) for mine, share in parts), 4),
        "least_little": 0.5,
    }
    for fact in (PLANE, SEQUENCE):
        known = np.array([bool(getattr(r, fact)) for r in records])
        best = [max(one[fact].items(), key=lambda pair: pair[1]) for one in p]
        right = np.array([getattr(r, fact) == label for r, (label, _) in zip(records, best, strict=True)])
        top = np.array([value for _, value in best])
        limits[f"least_{fact}"] = _least_sure(top[known], right[known])
    return limits


def _least_sure(top: np.ndarray, right: np.ndarray) -> float:
    """Return the least probability, 0.6 to 0.95, from which the answers above it are right often enough."""
    for least in np.arange(0.6, 0.96, 0.01):
        named = top >= least
        if named.any() and right[named].mean() >= _SURE:
            break
    return round(float(least), 2)
