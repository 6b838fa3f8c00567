"""A mosaic, many slices in one picture, is taken apart into its slices, by whatever element says so."""

import io
import struct

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from scans import ScanError, read
from tests.good_files import dicom, disc, item

AXIAL = [1, 0, 0, 0, 1, 0]
HEAD = np.round(4095 * disc(64)).astype(np.uint16)


def mosaic(count: int, side: int, **attributes: object) -> bytes:
    """Return a mosaic of `count` heads in `side` x `side` tiles, each brighter than the one before."""
    sheet = np.zeros((side * 64, side * 64), np.uint16)
    for number in range(count):
        row, column = divmod(number, side)
        sheet[row * 64 : (row + 1) * 64, column * 64 : (column + 1) * 64] = HEAD * (0.5 + 0.5 * number / count)
    facts = {
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        "AcquisitionMatrix": [64, 0, 0, 64],
        "ImageOrientationPatient": AXIAL,
        "ImagePositionPatient": [-500, -500, 30],
        "SpacingBetweenSlices": 4.0,
    }
    return dicom(sheet, **facts | attributes)


@pytest.mark.parametrize(("count", "side"), [(9, 3), (7, 3), (36, 6)])
def test_a_mosaic_is_taken_apart_into_its_slices(count, side):
    scans = read(mosaic(count, side))
    assert len(scans) == count and {scan.shape for scan in scans} == {(64, 64)}
    assert [scan.position for scan in scans] == [30 + 4 * number for number in range(count)]
    brightness = [float(scan.pixels.max()) for scan in scans]
    assert brightness == sorted(brightness) and "mosaic" in scans[0].notes[-1]


def test_the_slices_of_a_coronal_mosaic_are_in_anatomical_order():
    """Its normal points to the back: the first tile lies in front, 30 mm before the origin, and comes last."""
    place = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1], "ImagePositionPatient": [-500, -30, 500]}
    scans = read(mosaic(4, 2, AcquisitionMatrix=[64, 0, 0, 64], **place))
    assert [scan.position for scan in scans] == [18, 22, 26, 30] and scans[0].plane == "coronal"
    brightness = [float(scan.pixels.max()) for scan in scans]
    assert brightness == sorted(brightness, reverse=True)


def test_a_mosaic_that_does_not_say_how_large_its_slices_are_is_refused():
    with pytest.raises(ScanError, match="is a mosaic, many slices in one picture"):
        read(mosaic(9, 3, AcquisitionMatrix=[0, 0, 0, 0]))


def sheet(tile: int, side: int, noise: float = 0.0) -> np.ndarray:
    """Return `side` x `side` heads in tiles of `tile` pixels each, the last row half empty, with noise all over."""
    picture = np.tile(4095 * disc(tile), (side, side))
    picture[-tile:, -(tile * side // 2) :] = 0
    return picture + noise * picture.mean() * np.random.default_rng(0).random(picture.shape)


def of_matrix(picture: np.ndarray, matrix: int) -> bytes:
    """Return a mosaic that says of its tiles no more than the matrix they were acquired with."""
    facts = {"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"], "AcquisitionMatrix": [matrix, 0, 0, matrix]}
    return dicom(picture.astype(np.uint16), **facts)


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("tile", [64, 128])
def test_tiles_as_large_as_the_matrix_with_air_between_are_slices(tile, noise):
    scans = read(of_matrix(sheet(tile, 6, noise), tile))
    assert {scan.shape for scan in scans} == {(tile, tile)} and len(scans) == (36 if noise else 33)


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("matrix", [32, 48, 64, 96, 100, 192])
def test_tiles_that_were_interpolated_are_not_cut_through(matrix, noise):
    with pytest.raises(ScanError, match="is a mosaic, many slices in one picture"):
        read(of_matrix(sheet(128, 6, noise), matrix))


def csa(**tags: list[float]) -> bytes:
    """Return a Siemens CSA2 header that holds numbers."""
    header = b"SV10" + b"\4\3\2\1" + struct.pack("<2I", len(tags), 77)
    for name, values in tags.items():
        kind = b"IS" if isinstance(values[0], int) else b"FD"
        header += struct.pack("<64si4s3i", name.encode(), len(values), kind, 0, len(values), 77)
        for value in values:
            text = f"{value}".encode() + b"\0"
            header += struct.pack("<4i", len(text), len(text), 77, len(text)) + text + bytes(-len(text) % 4)
    return header


def private(group: int, creator: str, **elements: object) -> dict:
    """Return what `a_file` sets: private elements by their offset, "x0A" and so on, as (VR, value)."""
    return {"group": group, "creator": creator, "elements": {int(k[1:], 16): v for k, v in elements.items()}}


def a_file(block: dict, count: int = 7, side: int = 3, **attributes: object) -> bytes:
    """Return a mosaic that only its private elements tell to be one: no word in ImageType, no matrix."""
    attributes = {"ImageType": ["ORIGINAL", "PRIMARY", "M"], "AcquisitionMatrix": None} | attributes
    given = {name: value for name, value in attributes.items() if value is not None}
    dataset = dcmread(io.BytesIO(mosaic(count, side, **given)))
    if attributes["AcquisitionMatrix"] is None:
        del dataset.AcquisitionMatrix
    private_block = dataset.private_block(block["group"], block["creator"], create=True)
    for offset, (representation, value) in block["elements"].items():
        private_block.add_new(offset, representation, value)
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


SIEMENS_COUNT = private(0x19, "SIEMENS MR HEADER", x0A=("US", 7))
CSA_COUNT = private(0x29, "SIEMENS CSA HEADER", x10=("OB", csa(NumberOfImagesInMosaic=[7])))
UIH = private(0x65, "Image Private Header", x50=("DS", "7"))


@pytest.mark.parametrize("block", [SIEMENS_COUNT, CSA_COUNT, UIH], ids=("0019,100A", "CSA header", "VFRAME"))
def test_a_mosaic_is_known_by_private_elements_alone(block):
    scans = read(a_file(block))
    assert len(scans) == 7 and {scan.shape for scan in scans} == {(64, 64)}
    assert [scan.position for scan in scans] == [30 + 4 * number for number in range(7)]


def test_the_normal_of_a_csa_header_decides_the_order():
    block = private(
        0x29,
        "SIEMENS CSA HEADER",
        x10=("OB", csa(NumberOfImagesInMosaic=[7], SliceNormalVector=[0.0, 0.0, -1.0])),
    )
    scans = read(a_file(block))
    assert [scan.position for scan in scans] == [30 - 4 * number for number in reversed(range(7))]
    brightness = [float(scan.pixels.max()) for scan in scans]
    assert brightness == sorted(brightness, reverse=True)


@pytest.mark.parametrize("damaged", [b"SV10", b"", b"\xff" * 500, csa(NumberOfImagesInMosaic=[7])[:100]])
def test_a_damaged_csa_header_says_nothing(damaged):
    block = private(0x29, "SIEMENS CSA HEADER", x10=("OB", damaged))
    assert len(read(a_file(block))) == 1
    assert len(read(a_file(block, ImageType=["ORIGINAL", "PRIMARY", "MOSAIC"], AcquisitionMatrix=[64, 0, 0, 64]))) == 7


def test_united_imaging_gives_the_place_of_each_slice():
    places = [12.0, 3.0, 9.0, 6.0, 0.0, 15.0, 18.0]
    items: list[Dataset] = [item(ImagePositionPatient=[-100.0, -100.0, z]) for z in places]
    block = private(0x65, "Image Private Header", x50=("DS", "7"), x51=("SQ", Items(items)))
    scans = read(a_file(block, ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"]))
    assert [scan.position for scan in scans] == sorted(places) and scans[0].corner == (-100, -100, 0)
    brightness = [float(scan.pixels.max()) for scan in scans]
    assert np.argsort(brightness).tolist() == [sorted(places).index(z) for z in places]


def test_a_mosaic_that_gives_too_few_places_is_read_without_them():
    items: list[Dataset] = [item(ImagePositionPatient=[0.0, 0.0, z]) for z in (0.0, 3.0)]
    block = private(0x65, "Image Private Header", x50=("DS", "7"), x51=("SQ", Items(items)))
    scans = read(a_file(block))
    assert len(scans) == 7 and {scan.position for scan in scans} == {None}


def test_the_first_pixel_of_a_slice_is_where_its_tile_would_lie_around_the_same_centre():
    """A mosaic of 3 x 3 tiles of 64 pixels, 2 mm each: the tile begins 64 pixels further in on both sides."""
    scans = read(mosaic(9, 3, PixelSpacing=[2.0, 2.0]))
    assert scans[0].corner == (-500 + 128, -500 + 128, 30)
