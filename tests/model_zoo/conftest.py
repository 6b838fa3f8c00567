"""A bundle with every table: one to read, and a copy to change."""

import shutil
from pathlib import Path

import pytest

from tests.model_zoo.written_tables import write_whole_bundle


@pytest.fixture(scope="session")
def written_bundle(tmp_path_factory) -> Path:
    """A bundle whose card follows from its tables; read it, never change it."""
    folder = tmp_path_factory.mktemp("written") / "tiny-phantom4"
    write_whole_bundle(folder)
    return folder


@pytest.fixture
def bundle(written_bundle, tmp_path, monkeypatch) -> Path:
    """A copy of it to change, the only one of its zoo."""
    folder = tmp_path / "zoo" / "tiny-phantom4"
    shutil.copytree(written_bundle, folder)
    monkeypatch.setenv("CANDOR_ZOO", str(folder.parent))
    return folder
