"""Several users of the app at once, each with a scan of their own, without a browser: waits, memory, same maps.

python -m benchmarks.load           # one user alone, then eight at once
python -m benchmarks.load 4         # four at once

Each user uploads a scan, waits for the first map, asks for LIME, and downloads both maps. The same scans are explained
one after the other on a server of their own, by one user alone. The client shares the cores with the app, and all
seconds are upper bounds where other work runs: the load average is stored.
"""

import asyncio
import hashlib
import io
import json
import sys
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter

import numpy as np

from benchmarks.app import memory
from benchmarks.record import load_average, write
from benchmarks.streamlit_client import User
from explain import METHODS, png
from scans import PHANTOM_KINDS, phantom
from tests.browser.conftest import running_app

MODEL = "candor-pooled4"
USERS = 8
_FIRST, _LIME, _ZIP = "gradcam", "lime", "Map and manifest (ZIP)"


@dataclass
class Visit:
    """What one user waited for: seconds by method, and the manifest and the sha256 of each map."""

    seconds: dict[str, float] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, dict] = field(default_factory=dict)


async def visit(address: str, name: str, data: bytes, ready: asyncio.Barrier, *, lime: bool = True) -> Visit:
    """Upload one scan as soon as all users are `ready`, and return the waits and the maps."""
    from pages.components.uploads import DROP_LABEL  # not above: Streamlit warns where no app runs, in a report too

    user, result = User(address, f"model={MODEL}"), Visit()
    await user.open()
    await ready.wait()
    for method in (_FIRST, _LIME) if lime else (_FIRST,):
        began = perf_counter()
        if method == _FIRST:
            await user.upload(DROP_LABEL, name, data)
        else:
            await user.choose("Method", METHODS[method].title)
        await user.wait(partial(_shows, user, method, hashlib.sha256(data).hexdigest()))
        result.seconds[method] = perf_counter() - began
        with zipfile.ZipFile(io.BytesIO(await user.download(_ZIP))) as bundle:
            heat = np.load(io.BytesIO(bundle.read("map.npy")))
            result.manifests[method] = json.loads(bundle.read("manifest.json"))
        result.maps[method] = hashlib.sha256(heat.tobytes()).hexdigest()
    await ready.wait()  # so that all are there until the last has its map
    await user.close()
    return result


def _shows(user: User, method: str, digest: str) -> bool:
    """True where the user's page offers that method's map of the scan: the name of the file says of what it is."""
    name = user.downloads().get(_ZIP, {}).get("name", "")
    return name.startswith(f"{MODEL}-{method}-") and f"-{digest[:8]}-" in name


async def together(address: str, scans: dict[str, bytes], *, lime: bool = True) -> tuple[list[Visit], list[float]]:
    """Return the visits of one user for each scan, all at once, and how long the page took to open for others."""
    ready, over, pages = asyncio.Barrier(len(scans)), asyncio.Event(), []
    newcomer = asyncio.create_task(newcomers(address, over, pages))
    visits = await asyncio.gather(*(visit(address, name, data, ready, lime=lime) for name, data in scans.items()))
    over.set()
    await newcomer
    return visits, pages


async def first_maps(address: str, scans: dict[str, bytes]) -> list[float]:
    """Return the seconds from the upload to the first map of one user for each scan, all at once."""
    visits, _ = await together(address, scans, lime=False)
    return [each.seconds[_FIRST] for each in visits]


async def newcomers(address: str, over: asyncio.Event | Event, pages: list[float], pause: float = 2.0) -> None:
    """Open the page as another user, again and again, and note how long it took."""
    while not over.is_set():
        user, began = User(address, f"model={MODEL}"), perf_counter()
        await user.open()
        pages.append(perf_counter() - began)
        await user.close()
        await asyncio.sleep(pause)


async def measure(folder: Path, count: int) -> dict:
    """Return all measurements, each on a server of its own."""
    scans = some_scans(count)
    results: dict = {"users": count, "load average before": load_average()}
    with running_app(folder / "alone") as address:
        await warm(address)
        alone = [(await together(address, {name: data}))[0][0] for name, data in scans.items()]
        results["one user alone"] = _waits(alone) | {"memory at most, MB": memory("VmHWM")}
    with running_app(folder / "together") as address:
        await warm(address)
        idle = memory("VmRSS")
        visits, pages = await together(address, scans)
        results[f"{count} users at once"] = _waits(visits) | {
            "page of another user, seconds": _spread(pages),
            "maps": 2 * len(visits),
            "maps bit for bit those of one user alone": sum(
                own.maps[method] == other.maps[method]
                for own, other in zip(visits, alone, strict=True)
                for method in own.maps
            ),
            "maps of their own scan": sum(
                manifest["scan"] == hashlib.sha256(data).hexdigest()
                for each, data in zip(visits, scans.values(), strict=True)
                for manifest in each.manifests.values()
            ),
            "memory before, MB": idle,
            "memory at most, MB": memory("VmHWM"),
            "uploads freed after the last user had left, seconds": await _freed(address),
        }
    return results | {"load average after": load_average()}


async def warm(address: str) -> None:
    """Let the app load its libraries and models with a scan of nobody else."""
    await together(address, {"warm.png": _phantom("glioma", 959_999)})


async def _freed(address: str) -> float:
    """Return after how many seconds the server holds no uploads any more."""
    began = perf_counter()
    while await asyncio.to_thread(_held, address) and perf_counter() - began < 180:
        await asyncio.sleep(0.5)
    return round(perf_counter() - began, 1)


def _held(address: str) -> int:
    """Return the bytes of uploads that the server holds, as it counts them itself."""
    with urllib.request.urlopen(f"{address}_stcore/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if "UploadedFileManager" in line and line[0] != "#")


def _waits(visits: list[Visit]) -> dict:
    cut = [each.manifests[_LIME]["stopped"] == "time" for each in visits if _LIME in each.manifests]
    evaluations = [each.manifests[_LIME]["evaluations"] for each in visits if _LIME in each.manifests]
    found = {"upload to first map, seconds": _spread([each.seconds[_FIRST] for each in visits])}
    if cut:
        found |= {
            "LIME, seconds": _spread([each.seconds[_LIME] for each in visits]),
            "LIME evaluations": [min(evaluations), max(evaluations)],
            "LIME maps cut off by the time limit": sum(cut),
        }
    return found


def _spread(seconds: list[float]) -> dict:
    return {
        "times": len(seconds),
        "median": round(median(seconds), 2),
        "fastest": round(min(seconds), 2),
        "slowest": round(max(seconds), 2),
    }


def some_scans(count: int) -> dict[str, bytes]:
    """Return as many phantoms as PNG, by the names of their files."""
    return {f"{n}.png": _phantom(PHANTOM_KINDS[n % len(PHANTOM_KINDS)], 960_000 + n) for n in range(count)}


def _phantom(kind: str, seed: int) -> bytes:
    return png(np.round(255 * phantom(kind, seed).scan.pixels).astype(np.uint8))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        write("load", asyncio.run(measure(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else USERS)))
