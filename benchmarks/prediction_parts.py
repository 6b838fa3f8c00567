"""What one prediction over the API costs the processor, part by part: reading, checks, gate, network, and the rest.

The time of the processor is taken, of all threads and of the sandbox's processes, since it depends less than the clock
on what else the machine does. The parts take turns.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np

from model_zoo import Model
from model_zoo.gate import load_gate
from scans import fit, phantom, read
from tests.good_files import dicom12

READING, SANDBOX, CHECKS, GATE, FITS, NETWORK = (
    "reading a PNG in the process",
    "reading a DICOM file in the sandbox",
    "checks: several heads, text, nothing to see, digests",
    "the gate's network",
    "fits to both networks' inputs",
    "the model's network",
)
ROUNDS, EACH = 7, 12  # rounds in turns; scans in each


def processor_ms(model: Model, files: list[bytes]) -> dict[str, float]:
    """Return the milliseconds of processor that each part takes of one prediction, the median of the rounds.

    `files` are small pictures, `EACH` of them or more.
    """
    gate = load_gate()
    scans = [read(data)[0] for data in files[:EACH]]
    dicom = [dicom12(scan.pixels) for scan in scans]
    read(dicom[0])  # the sandbox's server starts
    inputs = [[fit(scan, card.input)[0][None] for scan in scans] for card in (gate.card, model.card)]
    runs: dict[str, Callable[[], object]] = {
        READING: lambda: [read(data) for data in files[:EACH]],
        SANDBOX: lambda: [read(data) for data in dicom],
        CHECKS: lambda: [_checked(replace(scan)) for scan in scans],
        GATE: lambda: [gate.runtime.logits(batch) for batch in inputs[0]],
        FITS: lambda: [fit(scan, card.input) for scan in scans for card in (gate.card, model.card)],
        NETWORK: lambda: [model.runtime.logits(batch) for batch in inputs[1]],
    }
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = _everywhere()
            run()
            spent[name].append(1000 * (_everywhere() - began) / EACH)
    return {name: round(median(times), 2) for name, times in spent.items()}


def both_networks(model: Model) -> Callable[[], object]:
    """Return a call of the gate's and the model's network on one scan that is ready for them.

    No prediction can be faster: nothing is predicted from what the gate has not seen.
    """
    gate, scan = load_gate(), phantom("glioma", 2).scan
    first, second = (fit(scan, card.input)[0][None] for card in (gate.card, model.card))
    return lambda: (gate.runtime.logits(first), model.runtime.logits(second))


def _checked(scan) -> object:
    return scan.not_assessable, scan.all_notes, scan.pixels_sha256, np.ptp(scan.pixels)


def _everywhere() -> float:
    """Return the processor's seconds of this process, of its children and of theirs that have ended."""
    seconds = process_time()
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            fields = (Path("/proc") / child / "stat").read_text().rsplit(")", 1)[1].split()
            seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds
