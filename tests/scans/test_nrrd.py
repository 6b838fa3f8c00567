"""NRRD volumes: their spaces, encodings and lists, and what is refused (the rest is in test_volumes.py)."""

import gzip

import numpy as np
import pytest

from scans import ScanError, read
from scans.nrrd import read_nrrd
from tests.good_files import nrrd, volume
from tests.scans.test_volumes import corner, series, shown


def edited(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a file with other words in its header."""
    assert old in data
    return data.replace(old, new, 1)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("LPS", (-1, -1, 1)),
    ],
)
def test_the_same_head_looks_the_same_in_every_space(space, signs):
    """The directions count from the axes of the space, so that those of a RAS volume change their signs in LPS."""
    scans = list(read_nrrd(nrrd(corner(), space=space, space_directions=np.diag(signs).astype(float)), "axial"))
    assert scans[0].edges == ("R", "L", "A", "P")
    assert shown(scans) == pytest.approx(corner(), abs=1e-3)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64", ">i2"])
def test_every_encoding_and_type_reads_back(encoding, dtype):
    values = np.round(100 * volume()).astype(dtype)
    assert shown(list(read_nrrd(nrrd(values, encoding=encoding), "axial"))) == pytest.approx(values, abs=1e-3)


def test_volumes_whose_voxels_alternate_are_told_apart():
    """Slicer writes the list of a diffusion series as the first axis, the fastest."""
    directions = np.vstack([np.full(3, np.nan), np.eye(3)])
    data = nrrd(np.moveaxis(series(), -1, 0), space_directions=directions, kinds=["list"] + ["domain"] * 3)
    for number in range(3):
        scans = list(read_nrrd(data, "axial", f"volume {number + 1} of 3"))
        assert shown(scans) == pytest.approx(series()[..., number], abs=1e-3)


def test_volumes_whose_rows_alternate_are_told_apart():
    directions = np.vstack([[1, 0, 0], np.full(3, np.nan), [0, 1, 0], [0, 0, 1]])
    data = nrrd(
        np.moveaxis(series(), -1, 1), space_directions=directions, kinds=["domain", "vector", "domain", "domain"]
    )
    assert shown(list(read_nrrd(data, "axial", "volume 2 of 3"))) == pytest.approx(series()[..., 1], abs=1e-3)


def test_a_time_axis_in_space_and_time_is_a_list():
    directions = np.vstack([np.eye(4)[:3], [0, 0, 0, 1]])
    data = nrrd(
        series(2),
        space="right-anterior-superior-time",
        space_directions=directions,
        space_origin=np.zeros(4),
        kinds=["domain"] * 4,
    )
    with pytest.raises(ScanError, match="axes that it does not explain"):
        read(data)
    data = edited(data, b"kinds: domain domain domain domain", b"kinds: domain domain domain time")
    scans = list(read_nrrd(data, "axial", "volume 2 of 2"))
    assert shown(scans) == pytest.approx(series(2)[..., 1], abs=1e-3) and scans[0].edges == ("R", "L", "A", "P")


def test_a_file_with_spacings_only_shows_no_letters_and_keeps_its_spacings():
    data = nrrd(volume(), space=None, space_directions=None, space_origin=None, spacings=[0.5, 0.75, 3.0])
    scan = next(read_nrrd(data, "axial"))
    assert (scan.spacing, scan.edges) == ((0.75, 0.5), ("", "", "", ""))
    assert "left and right may be swapped" in scan.notes[0]


@pytest.mark.parametrize(("unit", "mm"), [("um", 1e-3), ("mm", 1.0), ("cm", 10.0), ("parsec", 1.0)])
def test_the_unit_of_the_space_is_respected(unit, mm):
    sides = np.diag([0.5, 0.75, 3.0]) / mm
    data = nrrd(volume(), space_directions=sides, space_origin=np.zeros(3), space_units=[unit] * 3)
    assert next(read_nrrd(data, "axial")).spacing == pytest.approx((0.75, 0.5))


def test_a_picture_of_two_axes_is_one_scan_as_it_is_stored():
    picture = np.round(100 * volume()[..., 18]).astype(np.uint8)
    data = nrrd(picture, space=None, space_directions=None, space_origin=None, kinds=None)
    for plane in ("axial", "coronal"):
        (scan,) = read(data, plane=plane)
        assert scan.pixels * picture.max() == pytest.approx(picture.T, abs=1e-3)


def test_lines_and_bytes_before_the_voxels_are_skipped():
    data = nrrd(np.round(100 * volume()).astype(np.uint8))
    begin = data.index(b"\n\n") + 2
    header, voxels = data[: begin - 1], data[begin:]
    data = header + b"line skip: 2\nbyte skip: 3\n\nfirst\nsecond\nabc" + voxels
    assert shown(list(read_nrrd(data, "axial"))) == pytest.approx(np.round(100 * volume()), abs=1e-3)


@pytest.mark.parametrize("field", [b"data file: ", b"datafile: ", b"Data File: "])
def test_a_header_that_names_another_file_is_refused_and_the_file_never_opened(field, tmp_path):
    secret = tmp_path / "secret.raw"
    secret.write_bytes(bytes(range(256)) * 540)
    data = edited(nrrd(volume().astype(np.uint8)), b"encoding", field + str(secret).encode() + b"\nencoding")
    with pytest.raises(ScanError, match=r"header of an NRRD volume without its voxels; save both as one \.nrrd file"):
        read(data)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"sizes: 40 48 36", b"sizes: 1000 1000 61", "This NRRD file claims 1000 x 1000 x 61 voxels; 60 million"),
        (b"sizes: 40 48 36", b"sizes: 100 100 100", "claims 100 x 100 x 100 voxels but is too short"),
        (b"sizes: 40 48 36", b"sizes: 40 48", "contradicts itself"),
        (b"sizes: 40 48 36", b"sizes: 40 -48 36", "contradicts itself"),
        (b"dimension: 3", b"dimension: 4", "contradicts itself"),
        (b"type: int16", b"type: block", "damaged or cut short"),
        (b"type: int16", b"type: Muster^Erika", "damaged or cut short"),
        (b"encoding: raw", b"encoding: hex", "packed in a rare way"),
        (b"encoding: raw", b"encoding: raw\nbyte skip: -1", "begin at byte -1"),
        (b"encoding: raw", b"encoding: raw\nline skip: 99999999", "too short"),
        (b"encoding: raw", b"encoding: gzip", "damaged or cut short"),
        (b"encoding: raw", b"encoding: ascii", "damaged or cut short"),
        (b"(1,0,0) (0,1,0)", b"(1,0,0) (1,0,0)", "orientation"),
        (b"NRRD0005", b"NRRD0009", "damaged or cut short"),
    ],
)
def test_a_header_that_lies_is_refused(old, new, sentence):
    with pytest.raises(ScanError, match=sentence) as refusal:
        read(edited(nrrd(np.round(100 * volume()).astype(np.int16)), old, new))
    assert "Erika" not in str(refusal.value)


@pytest.mark.parametrize("kind", ["RGB-color", "3-vector", "complex", "3D-symmetric-matrix"])
def test_colour_and_tensors_are_refused(kind):
    directions = np.vstack([np.full(3, np.nan), np.eye(3)])
    values = np.moveaxis(series(), -1, 0)
    with pytest.raises(ScanError, match="colour, tensors or axes"):
        read(nrrd(values, space_directions=directions, kinds=[kind, "domain", "domain", "domain"]))


def test_a_header_without_an_end_is_refused():
    with pytest.raises(ScanError, match="longer than 1 MB"):
        read(b"NRRD0004\n" + b"# words\n" * 300_000)


def test_a_small_file_that_unpacks_without_end_is_read_no_further_than_its_header_says():
    """bzip2 packs 2 GB of zeros into 2 kB; pynrrd's own reader would unpack all of it."""
    data = nrrd(np.zeros((40, 48, 36), np.uint8), encoding="gzip")
    begin = data.index(b"\n\n") + 2
    zeros = gzip.compress(bytes(100_000_000), 1)
    with pytest.raises(ScanError, match="same value"):
        read(data[:begin] + zeros * 20)
