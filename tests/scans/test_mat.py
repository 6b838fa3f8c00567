"""figshare's slices: MATLAB v7.3 files from anybody, of which nothing but their own picture is read."""

import hashlib
import io
import os

import h5py
import numpy as np
import pytest

from scans import ScanError, read
from scans.window import stretch
from tests.good_files import disc, figshare_mat

SLICE = np.round(3000 * disc(48)[:, :40]).astype(np.int16)


def hdf5(write) -> bytes:
    """Return an HDF5 file in which `write` has put something."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        write(file)
    return stream.getvalue()


def test_a_slice_is_read_as_contrast_enhanced_t1(tmp_path):
    data = figshare_mat(SLICE)
    path = tmp_path / "1.mat"
    path.write_bytes(data)
    for (scan,) in (read(data), read(path), read(data[512:])):
        assert np.array_equal(scan.pixels, stretch(SLICE)[0])
        assert (scan.span, scan.modality, scan.sequence) == ((0, SLICE.max()), "MR", "T1C+")
    assert read(path)[0].digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("words", ["MATLAB 5.0 MAT-file", "MATLAB 7.3 MAT-file"])
def test_an_old_matlab_file_is_named(words):
    with pytest.raises(ScanError, match=r"^This is a MATLAB file; save the picture in it as one of PNG"):
        read(words.encode().ljust(600))


@pytest.mark.parametrize(
    "write",
    [
        lambda file: None,
        lambda file: file.create_dataset("layers/kernel", data=SLICE),
        lambda file: file.create_dataset("cjdata", data=SLICE),
        lambda file: file.create_group("cjdata/image"),
    ],
    ids=["nothing", "another file", "no group", "no picture"],
)
def test_any_other_hdf5_file_is_refused_with_what_is_read(write):
    with pytest.raises(ScanError, match=r"but no slice of figshare's \(cjdata/image\)"):
        read(hdf5(write))


def test_a_minc_volume_is_named():
    with pytest.raises(ScanError, match=r"^This is a MINC volume; save it as NIfTI \(mnc2nii\)\.$"):
        read(hdf5(lambda file: file.create_group("minc-2.0")))


@pytest.mark.parametrize("values", [np.zeros((4, 3, 2)), np.array([[b"ab"]]), np.zeros((40, 40), complex)])
def test_what_is_no_grey_picture_is_refused(values):
    with pytest.raises(ScanError, match="This is no figshare slice: its image has the shape"):
        read(figshare_mat(values))


def test_a_picture_that_claims_terabytes_is_refused():
    data = hdf5(lambda file: file.create_dataset("cjdata/image", (1_000_000, 1_000_000), "i2", chunks=True))
    with pytest.raises(ScanError, match="claims 1000000 x 1000000 pixels; 25 million at most"):
        read(data)


def test_a_file_that_was_cut_short_is_refused():
    with pytest.raises(ScanError, match="damaged or cut short"):
        read(figshare_mat(SLICE)[:3000])


def test_no_other_file_is_opened_whatever_the_file_names(tmp_path):
    """A link, a place of the values and a virtual dataset could each show what lies on the reader's disk."""
    secret = tmp_path / "secret"
    (tmp_path / "other.h5").write_bytes(hdf5(lambda file: file.create_dataset("image", data=SLICE)))
    secret.write_bytes(os.urandom(48 * 40 * 2))
    layout = h5py.VirtualLayout((48, 40), "i2")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "image", (48, 40))

    def external_link(file: h5py.File) -> None:
        file["cjdata"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")

    def soft_link(file: h5py.File) -> None:
        file["picture"] = SLICE
        file["cjdata/image"] = h5py.SoftLink("/picture")

    def external_values(file: h5py.File) -> None:
        file.create_dataset("cjdata/image", (48, 40), "i2", external=[(str(secret), 0, 48 * 40 * 2)])

    def virtual(file: h5py.File) -> None:
        file.create_group("cjdata").create_virtual_dataset("image", layout)

    for write in (external_link, soft_link, external_values, virtual):
        with pytest.raises(ScanError, match="but no slice of figshare's"):
            read(hdf5(write))
