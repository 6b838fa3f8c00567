"""A download arrives complete or not at all; its size and progress are known."""

import shutil
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from datasets.cards import DATASETS
from datasets.download import download, downloaded_bytes, kaggle_offer

CARD = DATASETS["kaggle4"]


def test_a_copy_that_breaks_off_leaves_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "a.jpg").write_bytes(b"scan")
    monkeypatch.setattr("kagglehub.dataset_download", lambda handle: str(tmp_path / "cache"))

    def full(found, part):
        part.mkdir()
        raise OSError(28, "No space left on device")

    whole = shutil.copytree
    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(OSError, match="No space left"):
        download(CARD, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
    monkeypatch.setattr(shutil, "copytree", whole)
    (tmp_path / "data" / f".{CARD.folder}.part").mkdir()  # of a process that was ended
    assert download(CARD, tmp_path / "data") == 0
    assert [path.name for path in (tmp_path / "data").rglob("*")] == [CARD.folder, "a.jpg"]


def test_what_has_come_is_the_size_of_the_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    assert downloaded_bytes(CARD) == 0
    folder = tmp_path / "datasets" / CARD.kaggle
    folder.mkdir(parents=True)
    (folder / "2.archive").write_bytes(bytes(1234))
    assert downloaded_bytes(CARD) == 1234


def test_the_offer_requested_from_kaggle_is_that_of_the_card(monkeypatch):
    requested = []

    def get_dataset(request):
        requested.append(f"{request.owner_slug}/{request.dataset_slug}")
        return SimpleNamespace(total_bytes=5, license_name="CC0")

    @contextmanager
    def client():
        yield SimpleNamespace(
            datasets=SimpleNamespace(dataset_api_client=SimpleNamespace(get_dataset=get_dataset)),
        )

    monkeypatch.setattr("kagglehub.clients.build_kaggle_client", client)
    assert kaggle_offer(CARD) == (5, "CC0") and requested == [CARD.kaggle]
