"""All scans are read before the bad ones are named, each with its reason, and a good run reads each once."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from datasets import bad_files
from datasets.bad_files import read_every
from datasets.records import DatasetError, Record


@pytest.fixture
def records(tmp_path) -> list[Record]:
    """Five good scans, told apart by their first pixel."""
    found = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        pixels = np.tile(np.arange(48, dtype=np.uint8), (40, 1))
        pixels[0, 0] = 100 + number
        Image.fromarray(pixels).save(path)
        found.append(Record(path.name, "glioma", path))
    return found


def corner(record: Record, scan) -> tuple[str, int]:
    return record.id, round(255 * float(scan.pixels[0, 0]))


def message_of(records: list[Record]) -> list[str]:
    with pytest.raises(DatasetError) as caught:
        read_every(records, corner)
    return str(caught.value).splitlines()


def test_each_scan_is_read_once_and_in_order(records, monkeypatch):
    loaded, load = [], bad_files.load
    monkeypatch.setattr(bad_files, "load", lambda record: loaded.append(record.id) or load(record))
    assert read_every(records, corner) == [(f"{number}.png", 100 + number) for number in range(5)]
    assert sorted(loaded) == [f"{number}.png" for number in range(5)]


def test_one_bad_file_is_one_sentence_with_what_to_do(records):
    records[3].path.write_bytes(b"<html>")
    assert message_of(records) == [
        f"{records[3].path} cannot be read: This is a web page, not a picture; open it in a browser and save the "
        "picture itself. Remove it or download the set again."
    ]


def test_several_bad_files_are_listed_each_with_its_reason(records, tmp_path):
    records[0].path.unlink()
    records[1].path.write_bytes(b"")
    boxes = f"{tmp_path}/2.txt should have five numbers per line"
    changed = [
        *records[:2],
        replace(records[2], fault=f"{boxes}; correct it"),
        *records[3:],
        Record("8.mat", "", tmp_path / "8.mat", fault=f"{tmp_path}/8.mat is not a figshare slice; download it again"),
    ]
    assert message_of(changed) == [
        "4 files cannot be used; correct or remove them, or download the set again:",
        f"  {tmp_path}/0.png cannot be read: This file cannot be opened (No such file or directory)",
        f"  {tmp_path}/1.png cannot be read: This file is empty (0 bytes)",
        f"  {boxes}",
        f"  {tmp_path}/8.mat is not a figshare slice",
    ]


def test_a_path_is_never_cut(tmp_path):
    folder = tmp_path / "scans; mine; "
    folder.mkdir()
    paths = [folder / f"{number}.png" for number in range(2)]
    for path in paths:
        path.write_bytes(b"")
    _, *lines = message_of([Record(path.name, "glioma", path) for path in paths])
    assert lines == [f"  {path} cannot be read: This file is empty (0 bytes)" for path in paths]


def test_ten_bad_files_are_listed_and_the_rest_counted(records):
    for path in [record.path for record in records]:
        path.write_bytes(b"")
    first, *lines = message_of([*records, *records, *records])
    assert first.startswith("15 files cannot be used; ") and len(lines) == 11 and lines[-1] == "  and 5 more"


def test_phantoms_are_read_as_all_others():
    assert read_every([Record("glioma/3", "glioma")], lambda record, scan: scan.modality) == ["MR"]
