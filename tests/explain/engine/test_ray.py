"""The engine `ray` on a real cluster of this machine: nothing is lost or doubled, and no bit of a map differs."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from api.service import Service
from explain import Cancelled, Request, explain, predict
from explain.__main__ import main
from explain.cache import CACHE
from explain.engine import EngineError, start_engine
from explain.report import cli
from model_zoo import load_model
from scans import ScanError, phantom
from tests.api.servers import running
from tests.conftest import tiny_network, write_bundle
from tests.explain.engine.work import deadly, noted, refusing, slow_square
from tests.good_files import dicom12, png

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed; `make .venv/ray` installs it"),
    pytest.mark.slow,
    pytest.mark.real_gate,  # that of the workers
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Ray 2.60 declares fields in pydantic's old way
    pytest.mark.timeout(900),  # a busy machine starts a cluster in a minute
]

WORKERS = 2
ROOT = Path(__file__).parents[3]
BATCH = ("--model", "tiny-phantom4", "--method", "gradcam", "--method", "lime")
PLACE = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A zoo of two models, in which this process and the workers look."""
    zoo = tmp_path_factory.mktemp("zoo")
    write_bundle(zoo / "tiny-phantom4", tiny_network())
    write_bundle(zoo / "other-phantom4", tiny_network(seed=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(zoo))
        yield zoo


@pytest.fixture(scope="module")
def engine(zoo):
    """A cluster of two workers."""
    engine = start_engine("ray", workers=WORKERS)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pictures, the slices of a series, a picture that came twice, and one that is broken."""
    folder = tmp_path_factory.mktemp("scans")
    for number in range(14):
        pixels = phantom("glioma", number).scan.pixels
        (folder / f"{number:02}.png").write_bytes(png(pixels))
    (folder / "07 again.png").write_bytes((folder / "07.png").read_bytes())
    (folder / "08 broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    for number, level in enumerate((0.9, 0.4, 0.6)):
        pixels = phantom("meningioma", 50 + number).scan.pixels * level
        place = {**PLACE, "ImagePositionPatient": [0, 0, -5 * number], "InstanceNumber": number}
        (folder / f"slice {number}.dcm").write_bytes(dicom12(pixels, **place))
    return folder


@pytest.fixture(scope="module")
def expected(zoo, folder, tmp_path_factory) -> dict[str, bytes]:
    """The maps that the engine of this process makes of the folder, by file."""
    out = tmp_path_factory.mktemp("here")
    assert batch(folder, out) == 1  # one is broken
    return maps(out)


def batch(folder: Path, out: Path, *more: str) -> int:
    return main(["batch", str(folder), *BATCH, "--out", str(out), *more])


def maps(out: Path) -> dict[str, bytes]:
    """The values of all maps, by the name of their file."""
    found = {}
    for path in out.glob("*.zip"):
        with zipfile.ZipFile(path) as bundle:
            assert np.load(io.BytesIO(bundle.read("map.npy"))).any()
            found[path.name] = bundle.read("map.npy")
    return found


def lines(out: Path) -> list[dict]:
    kept = out / "reports.jsonl"
    return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


@pytest.fixture
def on_it(engine, monkeypatch):
    """The command uses the cluster that is there, with `--engine ray`."""

    @contextmanager
    def started(options):
        assert options.engine == "ray"
        yield engine

    monkeypatch.setattr(cli, "started_engine", started)


def processes(name: str) -> list[int]:
    """The processes of this cluster whose title begins so."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = os.environ["RAY_AUTH_TOKEN"].encode() in (process / "environ").read_bytes()
            if ours and (process / "cmdline").read_bytes().startswith(name.encode()):
                found.append(int(process.name))
        except OSError:  # it has ended since
            continue
    return found


def listening(process: int) -> set[str]:
    """The addresses, hexadecimal as the system gives them, on which a process listens."""
    sockets = set()
    with suppress(FileNotFoundError):  # it has ended since
        for each in Path(f"/proc/{process}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed since
                sockets.add(str(each.readlink()))
    table = [
        line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in table if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def test_results_come_in_the_order_of_the_items_and_from_several_processes(engine):
    seen, until = set(), time.monotonic() + 120
    while len(seen) < WORKERS and time.monotonic() < until:  # on a busy machine one starts long before the other
        results = list(engine.map(slow_square, range(40)))
        assert [square for square, _ in results] == [number * number for number in range(40)]
        seen |= {process for _, process in results}
    assert len(seen) == WORKERS and os.getpid() not in seen


def test_the_work_of_a_killed_worker_is_done_again(engine, tmp_path):
    """Item 3 kills its worker once, item 7 twice: their results come all the same, each once."""
    given = [(tmp_path, number, {3: 1, 7: 2}.get(number, 0)) for number in range(20)]
    assert list(engine.map(deadly, given)) == list(range(20))
    assert sorted(path.name.split("-")[0] for path in tmp_path.iterdir()) == ["3", "7", "7"]


def test_an_item_that_kills_every_worker_gets_a_sentence_and_its_neighbours_their_results(engine, tmp_path):
    results = list(engine.map(deadly, [(tmp_path, number, 99 if number == 5 else 0) for number in range(12)]))
    assert isinstance(results[5], ScanError) and "\n" not in str(results[5])
    assert results[:5] + results[6:] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]


def test_what_the_work_raises_ends_the_run_with_the_same_error(engine):
    results, seen = engine.map(refusing, range(9)), []
    with pytest.raises(OSError) as refusal:
        seen.extend(iter(results.__next__, None))
    assert seen == [0, 1, 2] and (refusal.value.errno, refusal.value.filename) == (28, "result.zip")


def test_a_closed_map_is_cancelled_and_the_engine_works_on(engine, tmp_path):
    results = engine.map(noted, ((tmp_path, number) for number in range(500)))
    assert [next(results), next(results)] == [0, 1]
    results.close()
    time.sleep(0.3)
    begun = len(list(tmp_path.iterdir()))
    time.sleep(0.5)
    assert begun < 100 and len(list(tmp_path.iterdir())) == begun
    assert [square for square, _ in engine.map(slow_square, range(3))] == [0, 1, 4]


def test_a_folder_gives_the_same_maps_as_here_although_a_worker_is_killed(
    engine, on_it, folder, expected, tmp_path, capsys
):
    """Bit for bit, the slices of a series too; one result for each file, and the broken one has its sentence."""
    killed = []

    def kill() -> None:
        while len(lines(tmp_path)) < 3:
            time.sleep(0.02)
        killed.extend(processes("ray::Worker.do")[:1] or processes("ray::Worker")[:1])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    status = batch(folder, tmp_path, "--engine", "ray")
    killer.join()
    printed = capsys.readouterr().out
    assert killed and not Path(f"/proc/{killed[0]}/fd").exists()
    assert status == 1 and maps(tmp_path) == expected
    named = [entry["name"] for entry in lines(tmp_path)]
    assert len(named) == len(set(named)) == 17
    assert "17 written, 1 already there, 1 could not be read" in printed  # the one that came twice
    assert [line.split(":")[0] for line in printed.splitlines()[:-1]] == [
        str(path) for path in sorted(folder.iterdir())
    ]
    assert batch(folder, tmp_path, "--engine", "ray") == 1  # again: nothing is left to do
    assert "0 written, 18 already there, 1 could not be read" in capsys.readouterr().out
    assert maps(tmp_path) == expected


def test_a_cluster_listens_to_this_machine_alone_and_has_no_dashboard(engine):
    every = processes("")
    found = {process: listening(process) for process in every if process != os.getpid()}
    assert len(every) > WORKERS and any(found.values())
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert set().union(*found.values()) <= loopback
    assert not processes("ray::DashboardHead") and os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_a_second_cluster_in_one_process_is_refused(engine):
    with pytest.raises(EngineError, match="close that engine first"):
        start_engine("ray")


@pytest.mark.parametrize("model_id", ["tiny-phantom4", "other-phantom4"])
def test_a_request_gets_the_same_map_and_prediction_as_here(engine, model_id):
    model, scan = load_model(model_id), phantom("glioma", 3).scan
    ours, theirs = predict(model, scan), engine.predict(model, scan)
    assert np.array_equal(ours.probabilities, theirs.probabilities) and ours.set == theirs.set
    for method in ("gradcam", "lime"):
        request = Request(model, scan, method, prediction=theirs)
        job = engine.submit(request, "a user")
        assert job.wait(300) and job.state == "done" and job.progress == 1, job.error
        here = explain(request).heat
        rounding = 1e-5 * np.abs(here).max() if method == "gradcam" else 0  # a worker has fewer threads than we have
        assert np.abs(job.result.heat - here).max() <= rounding
        assert not job.result.heat.flags.writeable


def test_a_request_says_what_here_it_would_have_said(engine):
    model, scan = load_model("tiny-phantom4"), phantom("glioma", 3).scan
    with pytest.raises(ScanError) as here:
        predict(model, flat := replace(scan, pixels=np.full(scan.shape, 0.5, np.float32)))
    with pytest.raises(ScanError) as there:
        engine.predict(model, flat)
    assert str(here.value) == str(there.value)


def test_a_request_is_watched_and_cancelled(engine):
    request, shares = Request(load_model("tiny-phantom4"), phantom("glioma", 4).scan, "lime"), []
    with pytest.raises(Cancelled):
        engine.explain(request, progress=shares.append, cancelled=lambda: True)
    assert engine.explain(request, progress=shares.append, cancelled=lambda: False).method == "lime"
    assert all(0 <= share <= 1 for share in shares)


def test_the_api_answers_from_the_cluster_what_it_answers_here(engine):
    model, data = "tiny-phantom4", png(phantom("glioma", 6).scan.pixels)
    found = []
    for service in (Service(engine=engine), Service()):
        CACHE.clear()
        with running(service) as server, server.client() as client:
            job = client.wait(client.explain(data, model, "lime"))
            found.append((client.predict(data, model), job.state, client.map(job.id).tobytes()))
    assert found[0] == found[1] and found[0][1] == "done"


def test_a_request_survives_its_replica(engine):
    """Both replicas are killed while they work, and the request is asked again of the next ones."""
    request = Request(load_model("tiny-phantom4"), phantom("glioma", 5).scan, "lime")
    job = engine.submit(request, "a user")
    while job.state == "waiting":
        time.sleep(0.01)
    killed = processes("ray::ServeReplica")
    for process in killed:
        os.kill(process, signal.SIGKILL)
    assert len(killed) == WORKERS
    assert job.wait(600) and job.state == "done", job.error
    assert np.array_equal(job.result.heat, explain(request).heat)


def test_a_killed_command_continues_in_another_engine(engine, zoo, folder, expected, tmp_path, capsys):
    """And its cluster ends with it."""
    before = set(processes("ray::"))
    ask = [sys.executable, "-m", "explain", "batch", str(folder), *BATCH, "--out", str(tmp_path)]
    with subprocess.Popen([*ask, "--engine", "ray", "--workers", "1"], cwd=ROOT) as process:
        while process.poll() is None and len(lines(tmp_path)) < 4:
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    there = len(lines(tmp_path))
    assert 4 <= there < 17
    assert batch(folder, tmp_path) == 1
    printed = capsys.readouterr().out
    assert f"{17 - there} written" in printed and "1 could not be read" in printed
    assert maps(tmp_path) == expected and len({entry["name"] for entry in lines(tmp_path)}) == 17
    until = time.monotonic() + 240  # its agents notice late on a busy machine
    while set(processes("ray::")) - before and time.monotonic() < until:
        time.sleep(0.5)
    assert set(processes("ray::")) <= before


@contextmanager
def started_by_others(port: int):
    """A cluster of two cores, as `ray start` makes it on the head; for whoever has its token."""
    ask = ["start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=2"]
    with subprocess.Popen(
        [Path(sys.executable).with_name("ray"), *ask, "--include-dashboard=false", "--disable-usage-stats"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answer(folder: Path, out: Path, address: str, token: str = "") -> subprocess.CompletedProcess:
    ask = [sys.executable, "-m", "explain", "batch", str(folder), *BATCH, "--out", str(out), "--engine", "ray"]
    secret = {"RAY_AUTH_TOKEN": token} if token else {}
    return subprocess.run(
        [*ask, "--address", address], cwd=ROOT, env=os.environ | secret, capture_output=True, text=True, check=False
    )


def test_a_cluster_that_others_started_gives_the_same_maps_to_whoever_has_its_token(
    engine, zoo, folder, expected, tmp_path
):
    with started_by_others(port := free_port()):
        until, status = time.monotonic() + 300, 2
        while status == 2 and time.monotonic() < until:  # it takes its time to start
            status = answer(folder, tmp_path / "out", f"127.0.0.1:{port}").returncode
        assert status == 1 and maps(tmp_path / "out") == expected  # one is broken
        refused = answer(folder, tmp_path / "none", f"127.0.0.1:{port}", token="0" * 64)
        assert refused.returncode == 2 and "error: no Ray cluster can be used" in refused.stderr
        assert not (tmp_path / "none").exists()


def test_an_address_where_no_cluster_answers_is_refused_in_one_sentence(zoo, folder, tmp_path):
    for address in ("127.0.0.1:9", "nowhere"):
        found = answer(folder, tmp_path / "out", address)
        assert found.returncode == 2 and found.stderr.splitlines()[-1].startswith("error: no Ray cluster can be used")
        assert not (tmp_path / "out").exists()
