"""A sheet of several heads is told from a picture of one, and text drawn into a picture is noticed."""

import cv2
import numpy as np
import pytest

from scans import PHANTOM_KINDS, find_head, phantom
from scans.sheets import burned_in_text, sheet
from tests.good_files import disc

SEEDS = range(20, 28)
COLLECTIONS = ("brain-tumor-mri-dataset", "figshare-brain-tumor", "brain-tumor-mri-images-44c", "dementia-mri")


def heads(count: int, side: int) -> list[np.ndarray]:
    """Phantoms of all kinds."""
    return [phantom(PHANTOM_KINDS[k % len(PHANTOM_KINDS)], 40 + k % 12, side).scan.pixels for k in range(count)]


def laid_out(tiles: list[np.ndarray], rows: int, columns: int, gap: int = 0, gutter: float = 0, margin: int = 0):
    """The tiles from left to right and down; black ones at the end where there are too few."""
    height, width = tiles[0].shape
    size = (rows * height + (rows - 1) * gap + 2 * margin, columns * width + (columns - 1) * gap + 2 * margin)
    picture = np.full(size, gutter, np.float32)
    for place in range(rows * columns):
        top, left = margin + place // columns * (height + gap), margin + place % columns * (width + gap)
        picture[top : top + height, left : left + width] = tiles[place] if place < len(tiles) else 0
    return picture


def written(pixels: np.ndarray, *lines: tuple[str, int, int], size: float = 0.5) -> np.ndarray:
    """The picture with each text at its column and row."""
    drawn = np.round(255 * pixels).astype(np.uint8)
    for text, left, foot in lines:
        cv2.putText(drawn, text, (left, foot), cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    return drawn.astype(np.float32) / 255


def ellipses(*shapes: tuple[int, int, int, int]) -> np.ndarray:
    """Ellipses with structure, each given by its middle (x, y) and half its size (x, y)."""
    picture = np.zeros((256, 256), np.float32)
    for x, y, wide, high in shapes:
        cv2.ellipse(picture, (x, y), (wide, high), 0, 0, 360, 1.0, -1)
    v, u = np.mgrid[:256, :256]
    return picture * (0.5 + 0.2 * np.cos(np.abs(u - 128) / 9) * np.cos(v / 11)).astype(np.float32)


@pytest.mark.parametrize("side", [64, 256, 400])
@pytest.mark.parametrize("kind", PHANTOM_KINDS)
def test_a_phantom_is_one_head(kind, side):
    assert [sheet(phantom(kind, seed, side).scan.pixels) for seed in SEEDS] == [None] * len(SEEDS)


@pytest.mark.parametrize("kind", PHANTOM_KINDS)
def test_a_head_is_one_however_it_is_shown(kind):
    pixels = phantom(kind, 3).scan.pixels
    noise = np.random.default_rng(0).normal(0, 0.08, (2, *pixels.shape))
    ways = {
        "inverted": 1 - pixels,
        "turned": np.rot90(pixels),
        "dark": pixels**2,
        "washed out": np.sqrt(pixels),
        "noisy": np.clip(np.hypot(pixels + noise[0], noise[1]), 0, 1).astype(np.float32),
        "with a white margin": np.pad(pixels, 20, constant_values=1),
        "in a corner": np.pad(pixels, ((0, 150), (200, 0))),
        "cropped": pixels[60:200, 40:180],
        "stretched": cv2.resize(pixels, (256, 480)),
    }
    assert {name: sheet(way) for name, way in ways.items()} == dict.fromkeys(ways)


def test_an_even_disc_is_one_head():
    assert sheet(cv2.circle(np.zeros((128, 128), np.float32), (64, 64), 50, 1.0, -1)) is None
    assert sheet(disc(200)) is None


def test_two_hemispheres_apart_are_one_head():
    assert sheet(ellipses((85, 128, 36, 90), (171, 128, 36, 90))) is None
    assert sheet(ellipses((85, 128, 36, 90), (171, 128, 36, 90)).T) is None


def test_two_halves_of_a_phantom_are_one_head():
    for seed in SEEDS:
        pixels = phantom("notumor", seed).scan.pixels.copy()
        box = find_head(pixels)
        middle = (box.left + box.right) // 2
        pixels[:, middle - 5 : middle + 5] = 0
        assert sheet(pixels) is None, seed


def test_temporal_lobes_and_the_cerebellum_between_them_are_one_head():
    assert sheet(ellipses((75, 110, 38, 50), (181, 110, 38, 50), (128, 190, 50, 40))) is None


def test_two_mirrored_lobes_apart_are_one_head():
    lobes = np.zeros((256, 256), np.float32)
    cv2.fillPoly(lobes, [np.array([(110, 60), (110, 190), (30, 160), (20, 110)])], 0.6)
    lobes[100:130, 80:110] = 1
    assert sheet(lobes + lobes[:, ::-1]) is None


def test_two_eyes_beside_a_nose_are_one_head():
    assert sheet(ellipses((128, 150, 90, 95), (85, 40, 22, 22), (171, 40, 22, 22))) is None


def test_a_head_beside_text_and_a_scale_is_one_head():
    pixels = np.pad(phantom("glioma", 5).scan.pixels, ((0, 0), (90, 90)))
    lines = [("W 350 L 40", 4, 20), ("SMITH", 4, 40), ("TE 14 ms", 350, 20), ("2019", 350, 250), ("R", 40, 128)]
    pixels = written(pixels, *lines)
    for row in range(60, 200, 14):
        pixels[row, 420:430] = 1
    pixels[60:200, 430] = 1
    assert sheet(pixels) is None


@pytest.mark.parametrize("tile", [64, 100])
@pytest.mark.parametrize("gutter", [None, 0.0, 0.4, 1.0])
@pytest.mark.parametrize("grid", [(1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 3), (4, 5), (6, 6)])
def test_a_sheet_is_found_with_its_rows_and_columns(grid, gutter, tile):
    gap = 0 if gutter is None else 4
    assert sheet(laid_out(heads(grid[0] * grid[1], tile), *grid, gap, gutter or 0.0)) == grid


@pytest.mark.parametrize("grid", [(8, 8), (10, 12), (12, 12)])
def test_a_mosaic_of_many_slices_is_found(grid):
    assert sheet(laid_out(heads(grid[0] * grid[1], 64), *grid)) == grid


@pytest.mark.parametrize("grid", [(1, 2), (2, 1), (2, 3), (5, 4), (12, 12)])
def test_discs_are_counted(grid):
    assert sheet(np.tile(disc(), grid)) == grid


def test_blank_tiles_at_the_end_do_not_hide_a_sheet():
    assert sheet(laid_out(heads(17, 96), 4, 5, 3, 0.3)) == (4, 5)
    assert sheet(laid_out(heads(13, 96), 4, 5)) == (3, 5)  # the last row holds no head


@pytest.mark.parametrize("gutter", [0.0, 0.5, 1.0])
def test_margins_around_the_grid_do_not_hide_a_sheet(gutter):
    assert sheet(laid_out(heads(6, 120), 2, 3, 5, gutter, margin=25)) == (2, 3)


def test_a_sheet_on_white_is_found():
    assert sheet(1 - laid_out(heads(9, 96), 3, 3, 4)) == (3, 3)


def test_heads_that_fill_their_tiles_are_told_apart():
    tiles = []
    for pixels in heads(6, 256):
        box = find_head(pixels)
        tiles.append(cv2.resize(pixels[box.slices], (120, 120), interpolation=cv2.INTER_AREA))
    assert sheet(laid_out(tiles, 2, 3)) == (2, 3)


def test_heads_cut_by_the_edge_of_their_tile_are_told_apart():
    assert sheet(laid_out([pixels[:100] for pixels in heads(4, 128)], 2, 2)) == (2, 2)


def test_three_panels_and_one_of_text_are_a_sheet():
    blank = written(np.zeros((160, 160), np.float32), ("TR 500", 6, 30), ("TE 14", 6, 60))
    assert sheet(laid_out([*heads(3, 160), blank], 2, 2)) == (2, 2)


def test_text_in_the_tiles_does_not_hide_a_sheet():
    tiles = [written(pixels, (f"Im {k}", 2, 12), ("R", 2, 80), size=0.35) for k, pixels in enumerate(heads(9, 128))]
    assert sheet(laid_out(tiles, 3, 3)) == (3, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (32, 32), (23, 2000), (5, 5)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_picture_without_anything_is_no_sheet_and_has_no_text(size, value):
    picture = np.full(size, value, np.float32)
    assert sheet(picture) is None
    assert not burned_in_text(picture)


def test_noise_is_no_sheet_and_has_no_text():
    noise = np.random.default_rng(1).random((300, 200)).astype(np.float32)
    assert sheet(noise) is None
    assert not burned_in_text(noise)


def test_pixels_are_left_as_they_are():
    pixels = laid_out(heads(4, 64), 2, 2)
    before = pixels.copy()
    sheet(pixels), burned_in_text(pixels)
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("size", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("at", [(4, 24), (4, 395), (200, 24), (150, 220)])
def test_lines_of_text_are_found(at, size):
    assert burned_in_text(written(phantom("meningioma", 4, 400).scan.pixels, ("SMITH 2019", *at), size=size))


def test_text_on_an_inverted_scan_is_found():
    assert burned_in_text(1 - written(phantom("glioma", 4, 400).scan.pixels, ("W 350 L 40", 4, 24)))


@pytest.mark.parametrize("kind", PHANTOM_KINDS)
def test_a_phantom_has_no_text(kind):
    assert not any(burned_in_text(phantom(kind, seed, side).scan.pixels) for seed in SEEDS for side in (128, 256, 400))


def test_letters_for_the_sides_are_no_text():
    pixels = phantom("notumor", 4, 400).scan.pixels
    assert not burned_in_text(written(pixels, ("R", 4, 200), ("L", 380, 200), ("A", 195, 16), ("P", 195, 395)))


def test_a_scale_is_no_text():
    pixels = phantom("notumor", 4, 400).scan.pixels.copy()
    pixels[100:300, 390] = 1
    for row in range(100, 301, 20):
        pixels[row, 380:390] = 1
    assert not burned_in_text(pixels)


@pytest.mark.data
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_hardly_any_real_scan_is_called_a_sheet_or_text(data_folder, collection):
    files = sorted(path for path in (data_folder / collection).rglob("*.jp*g"))[::7]
    scans = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255 for path in files]
    assert sum(sheet(pixels) is not None for pixels in scans) <= 0.001 * len(scans)
    assert sum(burned_in_text(pixels) for pixels in scans) <= 0.03 * len(scans)  # some do have text


@pytest.mark.data
def test_montages_of_real_scans_are_found(data_folder):
    rng = np.random.default_rng(0)
    files = sorted((data_folder / "figshare-brain-tumor").rglob("*.jpg"))
    found = 0
    for _ in range(50):
        tiles = [cv2.imread(str(files[k]), cv2.IMREAD_GRAYSCALE) for k in rng.integers(len(files), size=9)]
        tiles = [cv2.resize(tile, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32) / 255 for tile in tiles]
        found += sheet(laid_out(tiles, 3, 3)) is not None
    assert found >= 49
