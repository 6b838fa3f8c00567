"""What Streamlit's collection of garbage after each run of a page costs the app, with eight users at once.

python -m benchmarks.garbage_collection

Candor switches it off (`runner.postScriptGC`). Servers with and without it take turns; each gets a scan of every user
at once. The app's processor time hardly depends on what else the machine does, unlike the waits.
"""

import asyncio
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.app import process_of_the_app
from benchmarks.load import USERS, first_maps, some_scans
from benchmarks.record import load_average, processor_seconds, write
from tests.browser.conftest import running_app

_WAYS = {"off": (), "on": ("--runner.postScriptGC", "true")}
_ROUNDS = 2


async def measure(folder: Path) -> dict:
    """Return the app's processor time and the waits, by way."""
    scans = some_scans(USERS)
    seconds: dict[str, list[float]] = {way: [] for way in _WAYS}
    waits: dict[str, list[float]] = {way: [] for way in _WAYS}
    before = load_average()
    for turn in range(_ROUNDS):
        for way, options in _WAYS.items():
            with running_app(folder / f"{way}-{turn}", *options) as address:
                await first_maps(address, some_scans(1))  # loads the libraries and the model
                began = processor_seconds(process_of_the_app())
                waits[way] += await first_maps(address, scans)
                seconds[way].append(processor_seconds(process_of_the_app()) - began)
    found = {
        way: {
            "processor seconds of the app": [round(each, 2) for each in seconds[way]],
            "upload to first map, median seconds": round(median(waits[way]), 2),
        }
        for way in _WAYS
    }
    return {"users": USERS, "collection": found, "load average before": before, "load average after": load_average()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        write("garbage_collection", asyncio.run(measure(Path(place))))
