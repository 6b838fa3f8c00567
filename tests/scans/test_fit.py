"""What goes into the model's square comes back to the same pixels of the scan."""

import cv2
import numpy as np
import pytest
from PIL import Image

from scans import Box, InputSpec, Scan, fit, phantom
from scans.fit import RESAMPLING

SHAPES = {"square": (256, 256), "wide": (200, 420), "tall": (430, 190), "small": (64, 48), "odd": (301, 257)}
MODELS = {"150 px": (150, 150), "224 px": (224, 224), "wide model": (96, 160)}


def scan_with_head(shape: tuple[int, int], spacing=(1.0, 1.0)) -> Scan:
    """A dim head off the centre, so that cropping moves and scales it."""
    height, width = shape
    picture = np.zeros(shape, np.float32)
    centre, axes = (int(width * 0.55), int(height * 0.48)), (int(width * 0.33), int(height * 0.36))
    cv2.ellipse(picture, centre, axes, 0, 0, 360, 0.4, -1)
    return Scan(picture, digest="", spacing=spacing)


def gaussian(shape: tuple[int, int], row: float, column: float, width: float) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * width**2)).astype(np.float32)


def centre_of_mass(heat: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: heat.shape[0], : heat.shape[1]]
    return np.array([(rows * heat).sum(), (columns * heat).sum()]) / heat.sum()


@pytest.mark.parametrize("crop", [False, True], ids=["whole", "cropped"])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_spot_comes_back_to_its_pixel_within_one(shape, model, crop):
    """A bright spot in the scan is found in the model's square by its pixels; the map of it is sent back."""
    scan = scan_with_head(shape)
    width = max(3.0, max(shape) / max(model) * 1.5)
    for along in (0.35, 0.5, 0.7):
        row, column = shape[0] * along, shape[1] * (1.05 - along)
        spot = gaussian(shape, row, column, width)
        _, placement = fit(scan, InputSpec(*model, crop=crop))
        model_input, same = fit_like(spot, placement)
        back = placement.to_scan(np.where(model_input > 0.05, model_input, 0))
        assert same == placement
        assert np.abs(centre_of_mass(back) - centre_of_mass(np.where(spot > 0.05, spot, 0))).max() < 1.0


def test_a_stretched_scan_fills_the_square_and_its_map_comes_back_in_its_own_shape():
    pixels = np.zeros((100, 200), np.float32)
    pixels[:, 150:] = 1
    model_input, placement = fit(Scan(pixels, ""), InputSpec(40, 40, 1, crop=False, stretch=True))
    assert model_input[..., 0].tolist() == [[0.0] * 30 + [1.0] * 10] * 40
    back = placement.to_scan(model_input[..., 0])
    assert back.shape == (100, 200) and np.abs(back - pixels).mean() < 0.01


@pytest.mark.parametrize("how", RESAMPLING)
def test_a_scan_is_resampled_as_pillow_does_where_a_model_wants_it(how):
    scan = phantom("glioma", 3, 200).scan
    model_input, _ = fit(scan, InputSpec(60, 60, 1, crop=False, resample=how))
    expected = Image.fromarray(scan.windowed()).resize((60, 60), RESAMPLING[how])
    np.testing.assert_allclose(model_input[..., 0], np.clip(expected, 0, 1), atol=1e-6)
    usual, _ = fit(scan, InputSpec(60, 60, 1, crop=False))
    assert not np.array_equal(model_input, usual)


def fit_like(pixels: np.ndarray, placement):
    """Return `pixels` placed in the model's square exactly as `placement` says."""
    from scans import resize

    square = np.zeros(placement.input_shape, np.float32)
    inner = placement.inner
    square[inner.slices] = resize(pixels[placement.box.slices], (inner.height, inner.width))
    return square, placement


def test_fit_places_the_pixels_where_placement_says():
    scan = phantom("glioma", 3).scan
    square, placement = fit(scan, InputSpec(150, 150))
    expected, _ = fit_like(scan.pixels, placement)
    np.testing.assert_allclose(square[..., 0], np.clip(expected, 0, 1), atol=1e-6)


def test_a_coarse_map_covers_the_square_evenly():
    """One hot cell of a 10 x 10 grid over an uncropped square scan lands on the middle of that cell."""
    scan = Scan(np.random.default_rng(0).random((200, 200)).astype(np.float32), digest="")
    _, placement = fit(scan, InputSpec(100, 100, crop=False))
    cells = np.zeros((10, 10), np.float32)
    cells[2, 7] = 1
    np.testing.assert_allclose(centre_of_mass(placement.to_scan(cells)), [49.5, 149.5], atol=0.6)


def test_a_map_keeps_its_values_and_signs():
    scan = Scan(np.random.default_rng(0).random((100, 100)).astype(np.float32), digest="")
    _, placement = fit(scan, InputSpec(50, 50, crop=False))
    back = placement.to_scan(np.full((5, 5), -3.25, np.float32))
    np.testing.assert_allclose(back, -3.25)


def test_what_the_model_was_not_shown_is_zero():
    scan = scan_with_head((256, 256))
    _, placement = fit(scan, InputSpec(64, 64, crop=True))
    back = placement.to_scan(np.ones((4, 4), np.float32))
    outside = np.ones((256, 256), bool)
    outside[placement.box.slices] = False
    assert outside.any() and not back[outside].any() and back[placement.box.slices].min() == 1


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_the_input_spans_the_range_of_the_card(value_range):
    square, _ = fit(phantom("meningioma", 1).scan, InputSpec(96, 96, value_range=value_range))
    assert square.shape == (96, 96, 3) and square.dtype == np.float32
    assert square.min() == value_range[0] and square.max() <= value_range[1]
    assert square.max() > value_range[0] + 0.7 * (value_range[1] - value_range[0])


def test_padding_has_the_value_of_air_in_every_range():
    square, placement = fit(scan_with_head((100, 300)), InputSpec(90, 90, value_range=(-1.0, 1.0), crop=False))
    assert placement.inner.top > 0 and (square[: placement.inner.top] == -1).all()


def test_voxels_that_are_not_square_are_shown_in_millimetres():
    """Rows 2 mm apart, columns 1 mm: a scan of 100 x 200 pixels is a square of 200 x 200 mm."""
    scan = Scan(np.random.default_rng(0).random((100, 200)).astype(np.float32), digest="", spacing=(2.0, 1.0))
    _, placement = fit(scan, InputSpec(80, 80, crop=False))
    assert placement.inner == (0, 0, 80, 80)


def test_the_file_s_window_reaches_the_model():
    pixels = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    square, _ = fit(Scan(pixels, digest="", window=(0.5, 0.75)), InputSpec(64, 64, crop=False))
    assert square[:31].max() == 0 and square[-15:].min() == 1


@pytest.mark.parametrize("crop", [False, True], ids=["whole", "cropped"])
def test_a_changed_scan_is_shown_where_the_unchanged_one_was(crop):
    """Without its box, a head with its lower half gone would be found, cropped and enlarged anew."""
    scan, spec = scan_with_head((256, 256)), InputSpec(64, 64, crop=crop)
    square, placement = fit(scan, spec)
    cut = scan.pixels.copy()
    cut[128:] = 0
    halved, same = fit(Scan(cut, digest=""), spec, box=placement.box)
    assert same == placement
    np.testing.assert_array_equal(halved[:20], square[:20])
    assert not halved[40:].any() and square[40:50].any()


def test_any_part_of_a_scan_can_be_shown():
    pixels = np.random.default_rng(0).random((100, 80), dtype=np.float32)
    square, placement = fit(Scan(pixels, digest=""), InputSpec(32, 32), box=Box(10, 20, 42, 52))
    np.testing.assert_array_equal(square[..., 0], pixels[10:42, 20:52])
    assert placement.box == Box(10, 20, 42, 52) and placement.inner == Box(0, 0, 32, 32)


@pytest.mark.data
def test_real_scans_come_back_within_one_pixel(data_folder):
    from scans import read

    folder = data_folder / "figshare-brain-tumor" / "pituitary"
    for path in sorted(folder.glob("*.jpg"))[:40:4]:
        scan = read(path)[0]
        _, placement = fit(scan, InputSpec(150, 150))
        spot = gaussian(scan.shape, scan.shape[0] * 0.45, scan.shape[1] * 0.55, 8)
        model_input, _ = fit_like(spot, placement)
        error = centre_of_mass(placement.to_scan(np.where(model_input > 0.02, model_input, 0))) - centre_of_mass(
            np.where(spot > 0.02, spot, 0)
        )
        assert np.abs(error).max() < 1.0, path.name
