"""The HTTP API with eight clients at once: predictions per second, the first map, LIME, and its memory.

The server is started as `make serve` does; the clients run in this process, on the same machine. Predictions take turns
with the bare runtime and with the library in this process, so that a slow moment affects them all. Every scan is sent
once: the gate remembers what it has seen. The forms are ready before the clock starts, and each client keeps its
connection: making them is the clients' work, and would take the processor from the server.
"""

import asyncio
import http.client
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter, process_time, sleep

import httpx
import numpy as np

from api import ROOT
from api.client import ApiError, Client
from benchmarks.load import newcomers, warm
from benchmarks.prediction_parts import both_networks, processor_ms
from benchmarks.record import load_average, processor_seconds, spread, write
from explain import Request, explain, png, predict
from model_zoo import Model, load_model
from scans import PHANTOM_KINDS, phantom, read
from tests.browser.conftest import running_app

MODEL = "candor-pooled4"
CLIENTS, ROUNDS, EACH = 8, 3, 5  # clients at once; rounds of predictions, and predictions of each client in a round
LIMIT = 30.0  # seconds for a LIME map, the usual limit
_BARE = 100  # forward passes of the bare runtime in a round
_PATIENCE = 300.0  # seconds until the server can predict
_BOUNDARY = b"a-line-between-parts"


def main() -> None:
    """Measure, and write the results."""
    before = load_average()[0]
    with running_server() as (process, address):
        began = perf_counter()
        wait_until_ready(address)
        ready = perf_counter() - began
        model = load_model(MODEL)
        rates = throughput(model, address, process.pid)
        idle = memory(process.pid, "VmRSS")
        with tempfile.TemporaryDirectory() as folder, running_app(Path(folder) / "log") as app:
            asyncio.run(warm(app))
            together, pages = while_pages_open(app, lambda: eight_clients(address))
        most = memory(process.pid, "VmHWM")
    write(
        "api",
        {
            "model": MODEL,
            "clients": CLIENTS,
            "files in a request": EACH,
            "load average before, after": [before, load_average()[0]],
            "ready, seconds after the start": round(ready, 1),
            "predictions": rates,
            "clients at once": checked(model, together) | {"page of the app meanwhile, seconds": spread(pages)},
            "memory, MB": {"after the predictions": idle, "most": most},
        },
    )


def while_pages_open(app: str, work: Callable[[], list]) -> tuple[list, list[float]]:
    """Return what `work` gives, and the seconds in which the app's page opened meanwhile, again and again."""
    over, pages = Event(), []
    with ThreadPoolExecutor(1) as pool:
        visits = pool.submit(asyncio.run, newcomers(app, over, pages, 0.5))
        try:
            return work(), pages
        finally:
            over.set()
            visits.result()


@contextmanager
def running_server():
    """Give the process of a server, and its address, until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "api", "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_until_ready(address: str) -> None:
    """Wait until the server can predict. Raises TimeoutError."""
    until = perf_counter() + _PATIENCE
    with Client(address) as client:
        while perf_counter() < until:
            try:
                client.ready()
                return
            except (ApiError, httpx.TransportError):
                sleep(0.1)
    raise TimeoutError(f"the server is not ready after {_PATIENCE:g} s")


def throughput(model: Model, address: str, server: int) -> dict:
    """Return predictions per second of the bare runtime, of both networks, of the library and of the API, in turns.

    Beside them stands the processor's time for one prediction, which hardly depends on what else the machine does, and
    its parts.
    """
    square = predict(model, phantom("glioma", 1).scan).square[None]
    both = both_networks(model)
    for _ in range(3):
        model.runtime.logits(square), both()
    names = BARE, BOTH, LIBRARY, API, MANY = "bare", "gate and network", "library", "api", "api, several files"
    rates: dict[str, list[float]] = {name: [] for name in names}
    spent: dict[str, list[float]] = {name: [] for name in (*names, "clients of the API")}

    def timed(name: str, count: int, run: Callable[[], object], clock: Callable[[], float] = process_time) -> None:
        began, used, own = perf_counter(), clock(), process_time()
        run()
        rates[name].append(count / (perf_counter() - began))
        spent[name].append(1000 * (clock() - used) / count)
        if name == API:  # those of several files do less
            spent["clients of the API"].append(1000 * (process_time() - own) / count)

    for turn in range(ROUNDS):
        files = [scan_file(1000 + CLIENTS * EACH * turn + number) for number in range(CLIENTS * EACH)]
        others = [scan_file(20_000 + CLIENTS * EACH * turn + number) for number in range(CLIENTS * EACH)]
        forms = [form(data) for data in files]
        parts = [forms[k::CLIENTS] for k in range(CLIENTS)]
        together = [[form(*others[k::CLIENTS])] for k in range(CLIENTS)]
        timed(BARE, _BARE, lambda: [model.runtime.logits(square) for _ in range(_BARE)])
        timed(BOTH, _BARE, lambda: [both() for _ in range(_BARE)])
        timed(LIBRARY, len(files), lambda files=files: [predict(model, read(data)[0], anyway=True) for data in files])
        with ThreadPoolExecutor(CLIENTS) as pool:
            for name, path, bodies in ((API, "/predict", parts), (MANY, "/predict/files", together)):
                timed(
                    name,
                    len(files),
                    lambda pool=pool, path=path, bodies=bodies: list(
                        pool.map(lambda part: _predict_all(address, path, part), bodies)
                    ),
                    lambda: processor_seconds(server),
                )
    rate = {name: round(median(rates[name]), 1) for name in names}
    return {
        "bare runtime, one scan at a time, per second": rate[BARE],
        "networks of the gate and of the model alone, per second": rate[BOTH],
        "library, reading and gate included, per second": rate[LIBRARY],
        f"API, {CLIENTS} clients, per second": rate[API],
        "API, several files, per second": rate[MANY],
        "processor, ms for one": {name: round(median(times), 1) for name, times in spent.items()},
        "processor by part, ms for one": processor_ms(
            model, [scan_file(9000 + number) for number in range(CLIENTS * 2)]
        ),
        "API over library": round(rate[API] / rate[LIBRARY], 2),
        "API over both networks": round(rate[API] / rate[BOTH], 3),
        "API over bare runtime": round(rate[API] / rate[BARE], 3),
        "API, several files, over bare runtime": round(rate[MANY] / rate[BARE], 3),
        "both networks over bare runtime": round(rate[BOTH] / rate[BARE], 3),
        "scans of a round": CLIENTS * EACH,
        "rounds": ROUNDS,
        "runtime": f"{model.runtime.engine} {model.runtime.precision}",
    }


def form(*files: bytes) -> bytes:
    """Return the body of a form that asks for a prediction of each file."""
    fields = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (_BOUNDARY, name, value)
        for name, value in ((b"model", MODEL.encode()), (b"anyway", b"true"))
    )
    head = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="scan"\r\n\r\n' % _BOUNDARY
    return fields + b"".join(head + data + b"\r\n" for data in files) + b"--%s--\r\n" % _BOUNDARY


def _predict_all(address: str, path: str, forms: list[bytes]) -> None:
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    for body in forms:
        connection.request(
            "POST", f"{ROOT}{path}", body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY.decode()}"}
        )
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200 and b'"class"' in text, text
    connection.close()


def eight_clients(address: str) -> list[dict]:
    """Return what each client waited for: its first prediction, its first map and LIME, with both maps."""

    def use(number: int) -> dict:
        data = scan_file(5000 + number)
        with Client(address, timeout=_PATIENCE) as client:
            began = perf_counter()
            client.predict(data, MODEL, anyway=True)
            waits = {"prediction": perf_counter() - began}
            maps = {}
            for method in ("gradcam", "lime"):
                began = perf_counter()
                job = client.wait(client.explain(data, MODEL, method, anyway=True, seconds=LIMIT), 900, 0.05)
                maps[method] = client.map(job.id), client.manifest(job.id)
                waits[method] = perf_counter() - began
        return {"data": data, "waits": waits, "maps": maps}

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(use, range(CLIENTS)))


def checked(model: Model, clients: list[dict]) -> dict:
    """Return the waits, and how many maps are what the library gives for the same file, computed again here."""
    own = 0
    for client in clients:
        scan = read(client["data"])[0]
        seen = predict(model, scan, anyway=True)
        for method, (heat, manifest) in client["maps"].items():
            request = Request(model, scan, method, target=manifest["target"], seconds=LIMIT, prediction=seen)
            if manifest["stopped"] != "time":  # where the limit cuts a map off depends on the moment
                own += bool(np.array_equal(heat, explain(request).heat))
    waits = {
        f"{title}, seconds": spread([client["waits"][name] for client in clients])
        for name, title in (("prediction", "first prediction"), ("gradcam", "first map"), ("lime", "LIME"))
    }
    cut = sum(manifest["stopped"] == "time" for client in clients for _, manifest in client["maps"].values())
    return waits | {"maps": 2 * len(clients), "correct, bit for bit": own, "stopped at the time limit": cut}


def scan_file(number: int) -> bytes:
    """Return the PNG of a phantom, another one for each number."""
    return png(np.round(255 * phantom(PHANTOM_KINDS[number % len(PHANTOM_KINDS)], number).scan.pixels).astype(np.uint8))


def memory(process: int, what: str) -> int:
    """Return the memory of a process in MB, as the kernel counts it: VmRSS is now, VmHWM the most so far."""
    status = (Path("/proc") / str(process) / "status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what)) // 1024


if __name__ == "__main__":
    main()
