"""python -m benchmarks [NAME ...]: measure most numbers of docs/results.md, each in a process of its own.

Runs of their own: `python -m benchmarks.int8`; `python -m benchmarks.random_slices` and `python -m
benchmarks.single_changes`, which train; all that is limited to AVX2; `make fuzz` and `make image`.
"""

import subprocess
import sys

NAMES = (
    "prediction",
    "generations",
    "gate",
    "not_brain",
    "test_time_augmentation",
    "localisation",
    "map_placement",
    "erasure",
    "explainers",
    "method_speed",
    "sampling",
    "training",
    "frozen",
    "freed_memory",
    "recipes",
    "app",
    "api",
    "load",
    "engine",
    "garbage_collection",
    "reading",
    "sheets",
    "viewer",
)


def main() -> int:
    """Run the benchmarks named, or all; return how many failed."""
    wanted = sys.argv[1:] or NAMES
    return sum(
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0 for name in wanted
    )


if __name__ == "__main__":
    sys.exit(main())
