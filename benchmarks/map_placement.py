"""Does a class activation map lie where the cells of the feature map look?

python -m benchmarks.map_placement      # needs the collections in $CANDOR_DATA

A map is enlarged as if its cells divided the square evenly. Zero padding on one side and strides can shift what a cell
sees: in Keras' ResNets, cell i is centred on pixel 32 i, half a cell up and left of where it is drawn. What training
makes of that differs from model to model, so it is measured: the mean place of the squared gradient of a cell's
activations, on phantoms, against the place where it is drawn. Then Grad-CAM's localisation as drawn, and moved by that
much, on the scans of the model's evaluation.
"""

from dataclasses import asdict

import cv2
import numpy as np

from benchmarks.record import write
from datasets.cards import data_folder
from datasets.records import load_annotated
from explain.evaluation.estimates import estimate
from explain.evaluation.localisation import localise
from explain.evaluation.store import read_evaluation, record_of
from explain.methods.cam import four_cams
from explain.refinement import MethodInput
from explain.submodels import view_of
from model_zoo import Model, bundle_folder, load_model, models
from scans import fit, phantom, resize
from scans.head import head_mask

PHANTOMS = (("glioma", 1), ("meningioma", 2), ("notumor", 3), ("pituitary", 4))
MEASURES = {"pointing": "mean", "energy": "mean", "head_lift": "median"}


def main() -> None:
    """Measure every model of the zoo that was evaluated on annotated scans."""
    found = {}
    for card in models().values():
        stored = read_evaluation(bundle_folder(card.id))
        if stored and "gradcam" in stored.methods:
            found[card.id] = _measured(load_model(card.id, precision="f32"), stored.annotated("gradcam"))
    write("map_placement", {"models": found})


def _measured(model: Model, rows: list) -> dict:
    offset, error = receptive_offset(model)
    drawn, moved, groups = [], [], []
    for row in rows:
        record = record_of(row, data_folder())
        if record is None:
            raise SystemExit(f"{row.id} is not among the collections; set $CANDOR_DATA to all of them")
        scan, mask = load_annotated(record)
        square, placement = fit(scan, model.card.input)
        target = model.card.classes.index(row.predicted)
        raw = four_cams(MethodInput(model, square, target))["gradcam"]
        large, head = resize(np.maximum(raw, 0), model.card.input.shape[:2]), head_mask(scan.windowed())
        drawn.append(localise(placement.to_scan(large), mask, head))
        moved.append(localise(placement.to_scan(shifted(large, offset)), mask, head))
        groups.append(row.group)
    return {
        "weights": model.card.weights_sha256,
        "side": model.card.input.height,
        "cells": int(raw.shape[0]),
        "offset": [round(float(each), 1) for each in offset],
        "standard error": [round(float(each), 1) for each in error],
        "scans": len(rows),
        **{
            measure: {
                way: asdict(estimate(np.array([getattr(each, measure) for each in placed]), groups, statistic))
                for way, placed in (("drawn", drawn), ("moved", moved))
            }
            for measure, statistic in MEASURES.items()
        },
    }


def receptive_offset(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Return how far beside their drawn place cells see (rows, columns; pixels of the square), and its standard error.

    Cells in the middle of the map alone: at its rim, what they see is cut off. The error is that over the cells, each
    the mean of all phantoms: what shifts a cell is padding and weights, which its phantoms share.
    """
    import tensorflow as tf

    graph = view_of(model.network, model.card.tap).graph
    squares = tf.constant(np.stack([fit(phantom(*each).scan, model.card.input)[0] for each in PHANTOMS]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(squares)
        maps = tf.cast(graph(squares, training=False)[0], tf.float32)
        cells, side = maps.shape[1], squares.shape[1]
        middle = sorted({cells // 3, cells // 2, 2 * cells // 3})
        sums = {(i, j): tf.reduce_sum(maps[:, i, j, :]) for i in middle for j in middle}
    places = np.arange(side) + 0.5
    offsets, of_cells = [], []
    for (i, j), total in sums.items():
        of_cell = []
        weight = (tape.gradient(total, squares).numpy() ** 2).sum(axis=-1).astype(np.float64)
        for each in weight[weight.sum(axis=(1, 2)) > 0]:
            seen = [(each.sum(axis=1 - axis) * places).sum() / each.sum() for axis in (0, 1)]
            of_cell.append([seen[0] - (i + 0.5) * side / cells, seen[1] - (j + 0.5) * side / cells])
        offsets += of_cell
        of_cells += [np.mean(of_cell, axis=0)] if of_cell else []
    return np.mean(offsets, axis=0), np.std(of_cells, axis=0, ddof=1) / np.sqrt(len(of_cells))


def shifted(heat: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return `heat` (h, w) moved by (rows, columns), 0 where nothing comes from."""
    move = np.array([[1, 0, offset[1]], [0, 1, offset[0]]], np.float32)
    return cv2.warpAffine(heat, move, heat.shape[::-1])


if __name__ == "__main__":
    main()
