"""FreeSurfer's volumes: their types, and what is wrong with a header (the rest is in test_volumes.py)."""

import gzip
import struct

import numpy as np
import pytest

from scans import ScanError, read
from scans.mgh import read_mgh
from tests.good_files import mgh, volume


def changed(data: bytes, at: int, code: str, *values: float) -> bytes:
    """Return a file with `values` in its header from byte `at` on."""
    header = bytearray(data)
    struct.pack_into(code, header, at, *values)
    return bytes(header)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32"])
def test_every_type_reads_back(dtype):
    values = np.round(100 * volume()).astype(dtype)
    scans = list(read_mgh(mgh(values), "axial"))
    assert scans[0].span == (0, values.max())
    assert scans[18].pixels[::-1, ::-1].T * values.max() == pytest.approx(values[..., 18], abs=1e-4)


def test_a_file_without_an_orientation_shows_no_letters():
    scan = next(read_mgh(changed(mgh(volume()), 28, ">h", 0), "axial"))
    assert scan.edges == ("", "", "", "")
    assert "left and right may be swapped" in scan.notes[0]


@pytest.mark.parametrize(
    ("at", "code", "values", "sentence"),
    [
        (4, ">3i", (1000, 1000, 61), "This MGH file claims 1000 x 1000 x 61 voxels; 60 million at most"),
        (4, ">3i", (100, 100, 100), "claims 100 x 100 x 100 voxels but is too short to hold them"),
        (4, ">3i", (0, 40, 40), "claims the shape"),
        (4, ">3i", (-40, -40, 40), "claims the shape"),
        (16, ">i", (2_000_000_000,), "claims 2000000000 volumes"),
        (20, ">i", (2,), "stores its voxels in a rare way"),
        (30, ">f", (np.nan,), "orientation"),
        (30, ">f", (0,), "orientation"),
    ],
)
def test_a_header_that_lies_is_refused(at, code, values, sentence):
    data = changed(mgh(volume()), at, code, *values)
    for each in (data, gzip.compress(data)):
        if "too short" not in sentence or each is data:  # gzip may hold more than its size tells
            with pytest.raises(ScanError, match=sentence):
                read(each)
