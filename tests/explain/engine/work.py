"""Work that a worker can import: what a test maps over many items, and how it may end."""

import os
import signal
import time
from pathlib import Path


def slow_square(number: int) -> tuple[int, int]:
    """Return a square and the process that made it; the first items take longest."""
    time.sleep(0.3 if number < 2 else 0.01)
    return number * number, os.getpid()


def noted(item: tuple[Path, int]) -> int:
    """Return a number, and leave a file of it in a folder."""
    folder, number = item
    time.sleep(0.05)
    (folder / f"{number}-{time.monotonic_ns()}").touch()
    return number


def deadly(item: tuple[Path, int, int]) -> int:
    """Return a number; its process is killed as often as the item says, each time with a file in a folder."""
    folder, number, times = item
    if len(list(folder.glob(f"{number}-*"))) < times:
        (folder / f"{number}-{os.getpid()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refusing(number: int) -> int:
    """Return a number; raises OSError on the third."""
    if number == 3:
        raise OSError(28, "No space left on device", "result.zip")
    return number
