"""A volume is cut as a radiologist expects it, whatever its format and however its voxels are stored."""

import gzip
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from scans import Scan, ScanError, is_volume, read
from scans.mgh import read_mgh
from scans.nifti import read_nifti
from scans.nrrd import read_nrrd
from scans.volumes import MAX_VOLUMES
from tests.good_files import mgh, nifti, nrrd, volume

SIDES = (40, 48, 36)  # to the patient's right, front and head; all different


@dataclass(frozen=True)
class Format:
    """How a format is written, from (x, y, z) or (x, y, z, n) and an affine, and read."""

    write: Callable[..., bytes]
    read: Callable[..., Iterator[Scan]]


def nrrd_series(values: np.ndarray, affine: np.ndarray | None = None) -> bytes:
    """Return an NRRD file of (x, y, z, n), of which the last axis is a list."""
    if values.ndim == 3:
        return nrrd(values, affine)
    directions = np.vstack([(np.eye(4) if affine is None else affine)[:3, :3].T, np.full(3, np.nan)])
    return nrrd(values, affine, space_directions=directions, kinds=["domain"] * 3 + ["list"])


FORMATS = {
    "NIfTI": Format(nifti, read_nifti),
    "MGH": Format(mgh, read_mgh),
    "NRRD": Format(nrrd_series, read_nrrd),
}
WAYS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
every_format = pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)


def corner(sides: tuple[int, int, int] = SIDES) -> np.ndarray:
    """Return int16 RAS (x, y, z): 1000 in the right, front, upper eighth, 100 in the left, 0 elsewhere."""
    values = np.zeros(sides, np.int16)
    x, y, z = (side // 2 for side in sides)
    values[:x] = 100
    values[x:, y:, z:] = 1000
    return values


def stored(values: np.ndarray, axes: tuple[int, ...], flips: tuple[int, ...], spacing=(1.0, 1.0, 1.0)):
    """Return RAS `values` stored with axis i along RAS axis axes[i], backwards where flips[i] is -1, and its affine.

    Worked out by hand, so that nibabel is not its own judge.
    """
    array = values.transpose(axes)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    affine[:3, 3] = -50
    for axis, (world, sign) in enumerate(zip(axes, flips, strict=True)):
        affine[world, axis] = sign * spacing[world]
        if sign < 0:
            array = np.flip(array, axis)
            affine[world, 3] += spacing[world] * (array.shape[axis] - 1)
    return np.asfortranarray(array), affine


def series(number: int = 3) -> np.ndarray:
    """Return int16 (x, y, z, n): volume n is the ball times n + 1, at most 100 x n + 100."""
    return np.stack([np.round(100 * (factor + 1) * volume()).astype(np.int16) for factor in range(number)], axis=-1)


def shown(scans: list[Scan]) -> np.ndarray:
    """Return the stored values (x, y, z) of axial slices in RAS."""
    low, high = scans[0].span
    return np.stack([low + (high - low) * scan.pixels[::-1, ::-1].T for scan in scans], axis=-1)


@every_format
@pytest.mark.parametrize(("axes", "flips"), WAYS, ids=str)
def test_the_same_head_looks_the_same_however_it_is_stored(axes, flips, kind):
    array, affine = stored(corner(), axes, flips)
    right, front, top = (slice(None, side // 2) for side in SIDES)  # of a picture: left half, upper half
    data = kind.write(array, affine)

    axial = list(kind.read(data, "axial"))
    assert (len(axial), axial[0].shape, axial[0].edges) == (36, (48, 40), ("R", "L", "A", "P"))
    assert axial[-1].pixels[front, right].min() == 1  # above; the patient's right at the picture's left
    assert axial[-1].pixels[24:, right].max() == 0
    assert axial[-1].pixels[:, 20:] == pytest.approx(0.1)
    assert axial[0].pixels[:, right].max() == 0  # below

    coronal = list(kind.read(data, "coronal"))
    assert (len(coronal), coronal[0].shape, coronal[0].edges) == (48, (36, 40), ("R", "L", "S", "I"))
    assert coronal[-1].pixels[top, right].min() == 1  # in front
    assert coronal[-1].pixels[18:, right].max() == 0
    assert coronal[0].pixels[:, right].max() == 0  # behind

    sagittal = list(kind.read(data, "sagittal"))
    assert (len(sagittal), sagittal[0].shape, sagittal[0].edges) == (40, (36, 48), ("A", "P", "S", "I"))
    assert sagittal[-1].pixels[top, front].min() == 1  # on the right; the front at the picture's left
    assert sagittal[-1].pixels[18:].max() == 0
    assert sagittal[0].pixels == pytest.approx(0.1)  # on the left


@every_format
@pytest.mark.parametrize(("axes", "flips"), WAYS[::7], ids=str)
def test_spacing_follows_the_picture_s_rows_and_columns(axes, flips, kind):
    array, affine = stored(corner(), axes, flips, spacing=(0.5, 1.0, 3.0))
    data = kind.write(array, affine)
    spacing = {plane: next(kind.read(data, plane)).spacing for plane in ("axial", "coronal", "sagittal")}
    assert spacing["axial"] == pytest.approx((1.0, 0.5))
    assert spacing["coronal"] == pytest.approx((3.0, 0.5))
    assert spacing["sagittal"] == pytest.approx((3.0, 1.0))


@every_format
def test_an_oblique_volume_keeps_its_true_spacing(kind):
    turn = np.deg2rad(20)
    affine = np.eye(4)
    affine[:3, :3] = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    affine[:3, :3] *= [0.9, 0.8, 2]
    scan = next(kind.read(kind.write(volume(), affine), "axial"))
    assert scan.spacing == pytest.approx((0.8, 0.9))
    assert scan.edges == ("R", "L", "A", "P")


@every_format
def test_the_first_of_several_volumes_opens_and_a_note_tells_how_many_there_are(kind):
    scans = list(kind.read(kind.write(series()), "axial"))
    assert len(scans) == 36
    assert scans[0].stack == "volume 1 of 3"
    assert scans[0].stacks == ("volume 1 of 3", "volume 2 of 3", "volume 3 of 3")
    assert scans[0].notes == ("This file holds 3 volumes; this is volume 1 of 3.",)
    assert shown(scans) == pytest.approx(series()[..., 0], abs=1e-3)


@every_format
def test_each_of_several_volumes_opens_by_its_name(kind):
    data = kind.write(series())
    for number in (1, 2):
        scans = list(kind.read(data, "axial", f"volume {number + 1} of 3"))
        assert shown(scans) == pytest.approx(series()[..., number], abs=1e-3)
        assert {scan.stack for scan in scans} == {f"volume {number + 1} of 3"}


@every_format
def test_volumes_that_lie_in_several_chunks_read_back(kind, monkeypatch):
    monkeypatch.setattr("scans.volumes._CHUNK", 1000)
    scans = list(kind.read(kind.write(series()), "axial", "volume 2 of 3"))
    assert shown(scans) == pytest.approx(series()[..., 1], abs=1e-3)


@every_format
def test_slices_of_two_volumes_have_different_keys(kind):
    data = kind.write(series(2))
    keys = {scan.key for name in ("volume 1 of 2", "volume 2 of 2") for scan in read(data, stack=name)}
    assert len(keys) == 2 * 36


@every_format
def test_an_unknown_volume_is_refused_with_those_that_there_are(kind):
    with pytest.raises(ScanError, match=r"^This file has no stack 'FLAIR'; it has volume 1 of 3 to volume 3 of 3\.$"):
        read(kind.write(series()), stack="FLAIR")
    with pytest.raises(ScanError, match=r"^This file holds one stack; open it without naming one\.$"):
        read(kind.write(series()[..., 0]), stack="volume 1 of 1")


@every_format
def test_a_file_packed_as_a_whole_is_the_same_through_the_sandbox(kind):
    data = kind.write(series(2))
    plain, packed = (read(each, plane="sagittal", stack="volume 2 of 2") for each in (data, gzip.compress(data, 1)))
    assert len(plain) == len(packed) == 40
    for one, other in zip(plain, packed, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
    assert is_volume(data) and is_volume(gzip.compress(data, 1))


@every_format
def test_a_file_that_was_cut_short_is_refused(kind):
    data = kind.write(series(2))
    for broken in (data[: len(data) * 3 // 4], gzip.compress(data)[:-5000], data[:60]):
        with pytest.raises(ScanError, match=r"cut short|contradicts itself|not a file Candor knows"):
            read(broken, stack="volume 2 of 2")


@every_format
def test_more_volumes_than_are_accepted_are_refused(kind):
    data = kind.write(np.zeros((32, 32, 1, MAX_VOLUMES + 1), np.uint8))
    with pytest.raises(ScanError, match=r"claims 2001 volumes of 32 x 32 x 1 voxels; 2,000 volumes at most"):
        read(data)


def test_a_slice_carries_the_names_of_2000_volumes():
    scans = read(nifti(np.random.default_rng(0).integers(0, 9, (32, 32, 2, MAX_VOLUMES), np.uint8)))
    assert len(scans) == 2 and len(scans[0].stacks) == MAX_VOLUMES


def test_volumes_along_a_fifth_axis_count_as_well():
    values = np.round(100 * series(2))[..., None, :]
    assert next(read_nifti(nifti(values), "axial")).stacks == ("volume 1 of 2", "volume 2 of 2")
    assert next(read_nifti(nifti(series(2)[..., None]), "axial")).stacks == ("volume 1 of 2", "volume 2 of 2")


def test_no_other_file_is_a_volume():
    for data in (None, b"", bytes(400), gzip.compress(bytes(4000)), b"\0\0\0\1" + b"\xff" * 400):
        assert not is_volume(data)
