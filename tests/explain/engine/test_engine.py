"""The engines: one interface, refusals in one sentence, and the engine of this process."""

import io
import json
import re
import threading
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from explain import Request, explain
from explain.__main__ import main
from explain.engine import ENGINES, EngineError, start, start_engine, this_process
from explain.report.file_report import beside_others
from explain.report.folder import keep
from model_zoo import load_model
from model_zoo.whole_files import write_whole
from scans import Scan, phantom, read_files
from scans.study import read_beside
from tests.explain.engine.work import refusing
from tests.good_files import dicom12, disc, png

BATCH = ("--model", "tiny-phantom4", "--method", "gradcam")
FACTS = [each for each in fields(Scan) if each.name != "pixels"]
PLACE = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


@pytest.mark.parametrize(
    ("name", "address", "workers", "words"),
    [
        ("spark", "", 0, "process and ray"),
        ("spark", "", 0, "make .venv/ray"),
        ("process", "10.0.0.1:6379", 0, "--engine ray"),
        ("process", "", 2, "--engine ray"),
        ("ray", "", -1, "at least 1"),
    ],
)
def test_an_engine_that_cannot_be_is_refused_in_one_sentence(name, address, workers, words):
    with pytest.raises(EngineError, match=re.escape(words)) as refusal:
        start_engine(name, address, workers)
    assert "\n" not in str(refusal.value)


def test_without_ray_the_sentence_says_how_to_get_it(in_tiny_zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(start, "find_spec", lambda name: None)
    (tmp_path / "a.png").write_bytes(png(disc()))
    ask = [str(tmp_path / "a.png"), *BATCH, "--out", str(tmp_path / "out"), "--engine", "ray"]
    for command in ("batch", "report"):
        assert main([command, *ask]) == 2
        error = capsys.readouterr().err
        assert "make .venv/ray" in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_the_engine_of_this_process_is_the_first():
    assert next(iter(ENGINES)) == "process"


def test_here_an_item_is_taken_when_its_turn_comes():
    taken = []
    results = this_process().map(lambda item: item * 2, (taken.append(n) or n for n in range(9)))
    assert [next(results), next(results)] == [0, 2] and taken == [0, 1]
    results.close()
    assert list(results) == [] and taken == [0, 1]


def test_what_the_work_raises_ends_the_run():
    results, seen = this_process().map(refusing, range(9)), []
    with pytest.raises(OSError, match="No space left"):
        seen.extend(iter(results.__next__, None))
    assert seen == [0, 1, 2]


def test_a_request_is_submitted_watched_and_cancelled(in_tiny_zoo):
    engine = this_process()
    model, scan = load_model("tiny-phantom4"), phantom("glioma", 1).scan
    request = Request(model, scan, "gradcam")
    job = engine.submit(request, "a user")
    assert job.wait(60) and job.state == "done" and job.progress == 1
    assert np.array_equal(job.result.heat, explain(request).heat)

    begun, held = threading.Event(), threading.Event()
    blocking = engine.queue.submit("other work", lambda *_: begun.set() or held.wait(60), "somebody")
    assert begun.wait(60)  # else it waits, too
    waiting = Request(model, scan, "lime")
    job = engine.submit(waiting, "a user")
    assert (job.state, job.place) == ("waiting", 1)
    engine.cancel(waiting, "a user")
    held.set()
    assert blocking.wait(60) and job.state == "cancelled"


def test_slices_are_read_apart_as_they_are_together(tmp_path):
    """Two series, a slice that came twice, one alone in its series, a picture, and what is no scan."""
    paths = []
    for number, level in enumerate((0.9, 0.1, 0.5, 0.7, 0.3, 0.8)):
        place = {**PLACE, "SeriesInstanceUID": f"1.2.{min(number // 2, 2)}", "InstanceNumber": number}
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(dicom12(disc() * level, ImagePositionPatient=[0, 0, -5 * number], **place))
    again = tmp_path / "again.dcm"
    place = PLACE | {"SeriesInstanceUID": "1.2.0", "InstanceNumber": 9}
    again.write_bytes(dicom12(disc() * 0.9, ImagePositionPatient=[0, 0, 0], **place))
    alone = tmp_path / "alone.dcm"
    alone.write_bytes(dicom12(disc(), ImagePositionPatient=[0, 0, 0], **PLACE | {"SeriesInstanceUID": "1.9"}))
    (tmp_path / "a.png").write_bytes(png(disc()))
    (tmp_path / "b.txt").write_text("hello")
    paths += [again, alone, tmp_path / "a.png", tmp_path / "b.txt"]
    beside = beside_others(this_process(), paths, "axial", "")
    assert len(beside) == 7  # all slices of the three series with several, and not the one alone
    for path, scans in read_files(paths):
        if path.suffix == ".txt":
            continue
        (apart,) = read_beside(path, beside.get(path))
        (together,) = scans
        assert all(getattr(apart, each.name) == getattr(together, each.name) for each in FACTS)
        assert np.array_equal(apart.pixels, together.pixels)


def test_two_writers_of_one_file_do_not_spoil_it(tmp_path):
    """Each writes while the other does: one file is left, and no part."""
    both = threading.Barrier(2)

    def save(part: Path) -> None:
        both.wait(10)
        part.write_bytes(b"x" * 1000)
        both.wait(10)

    threads = [threading.Thread(target=write_whole, args=(tmp_path / "map.zip", save)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["map.zip"] and (tmp_path / "map.zip").stat().st_size == 1000


def test_a_report_that_two_workers_made_is_kept_once(tmp_path):
    (tmp_path / "a.zip").touch()
    entry = {"name": "a", "key": "k", "formats": ["maps"], "files": ["a.zip"], "thumbnail": "a.zip"}
    reported = {}
    assert [keep(tmp_path, entry, reported), keep(tmp_path, dict(entry), reported)] == [True, False]
    assert len((tmp_path / "reports.jsonl").read_text().splitlines()) == 1


def test_batch_writes_a_map_for_each_scan_and_no_index(in_tiny_zoo, tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(png(disc(64)))
    (tmp_path / "b.png").write_bytes(b"no picture")
    ask = ["batch", str(tmp_path / "a.png"), str(tmp_path / "b.png"), *BATCH, "--out", str(tmp_path / "out")]
    assert main(ask) == 1
    (line,) = (tmp_path / "out" / "reports.jsonl").read_text().splitlines()
    (name,) = json.loads(line)["files"]
    with zipfile.ZipFile(tmp_path / "out" / name) as bundle:
        heat = np.load(io.BytesIO(bundle.read("map.npy")))
        assert heat.shape == (64, 64) and json.loads(bundle.read("manifest.json"))["method"] == "gradcam"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {name, "reports.jsonl", "thumbnails"}
    capsys.readouterr()
    assert main(ask) == 1 and "0 written, 1 already there, 1 could not be read" in capsys.readouterr().out
