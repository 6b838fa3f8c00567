"""The type of a file, told from its bytes."""

import gzip

import numpy as np
import pytest

from scans import Scan, is_dicom, read
from scans.file_types import is_nifti
from tests.good_files import dicom12, disc, nifti, nifti_gz, png, volume


def test_a_dicom_file_is_dicom_and_nothing_else():
    assert is_dicom(dicom12(disc()))
    assert not is_nifti(dicom12(disc()))


@pytest.mark.parametrize("data", [nifti(volume()), nifti_gz(volume())], ids=["nii", "nii.gz"])
def test_a_nifti_volume_is_nifti_packed_or_not(data):
    assert is_nifti(data)
    assert not is_dicom(data)


def test_the_second_version_of_nifti_counts():
    assert is_nifti(bytes(4) + b"n+2\0" + bytes(532))


@pytest.mark.parametrize(
    "data",
    [None, b"", b"\x1f\x8b", gzip.compress(png(disc())), gzip.compress(b"a,b\n1,2\n"), png(disc())],
    ids=["none", "empty", "broken gzip", "gzip of a picture", "gzip of a table", "picture"],
)
def test_no_other_file_is_dicom_or_nifti(data):
    assert not is_nifti(data)
    assert not is_dicom(data)


def test_a_header_that_could_be_either_is_dicom():
    both = bytearray(dicom12(np.zeros((64, 64))))
    both[344:348] = b"n+1\0"
    assert is_dicom(bytes(both))
    assert not is_nifti(bytes(both))


def test_a_gzip_bomb_is_looked_at_no_further_than_its_header():
    assert not is_nifti(gzip.compress(bytes(50_000_000)))


def test_the_key_of_a_slice_tells_it_from_every_other():
    keys = [scan.key for plane in ("axial", "coronal") for scan in read(nifti(volume()), plane=plane)]
    assert len(set(keys)) == len(keys)
    assert Scan(np.zeros((64, 64)), "5f3a", index=7, plane="axial").key == "5f3a::axial:7:0..255"
