"""Images per second in training while freed memory is kept, and while it is returned to the system, in turn.

Candor's network on EfficientNet-Lite0, whose steps allocate much and compute little. Every run is a process of its own:
the setting of the C library cannot be undone.
"""

import subprocess
import sys
from dataclasses import replace
from statistics import median

import keras

from benchmarks.recipes import images_per_second
from benchmarks.record import write
from datasets.cards import DATASETS
from train.freed_memory import keep_freed_memory
from train.recipe import find_recipe

_ROUNDS = 3
_SIDES = (128, 160)  # pixels


def main() -> None:
    """Measure both ways; with the argument "kept" or "returned" and a side, print the rate of this process alone."""
    if len(sys.argv) > 1:
        print(_rate(sys.argv[1], int(sys.argv[2])))
        return
    results = {}
    for side in _SIDES:
        rates: dict[str, list[float]] = {"kept": [], "returned": []}
        for _ in range(_ROUNDS):
            for way, found in rates.items():
                command = [sys.executable, "-m", "benchmarks.freed_memory", way, str(side)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found.append(float(done.stdout.split()[-1]))
        results |= {f"{side} px, {way}, images per second": round(median(found), 1) for way, found in rates.items()}
        ratios = [kept / returned for kept, returned in zip(rates["kept"], rates["returned"], strict=True)]
        results[f"{side} px, kept over returned"] = round(median(ratios), 2)
    write("freed_memory", results)


def _rate(way: str, side: int) -> float:
    if way == "kept" and not keep_freed_memory():
        raise SystemExit("freed memory can be kept with glibc only")
    recipe, _ = find_recipe("candor-kaggle4")
    classes = tuple(DATASETS["kaggle4"].classes)
    keras.utils.set_random_seed(0)
    return images_per_second(replace(recipe, network="candor-lite0", weights="none"), classes, side)


if __name__ == "__main__":
    main()
