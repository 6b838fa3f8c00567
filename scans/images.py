"""How is a picture file (PNG, JPEG, TIFF, BMP, WebP) read, 8 or 16 bit, gray, RGB, palette or alpha?

Pillow decodes; OpenCV never sees an upload, because it decodes 196 megapixels from a 24 KB file
without complaint and truncates 12-bit data stored in a 16-bit PNG.
"""

import io

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from scans.scan import MAX_PIXELS, Scan, ScanError

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_MAX_PAGES = 512  # of a TIFF
_TAIL = 0.1  # per cent of the pixels clipped at each end when more than 8 bits must be shown

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow then refuses twice as many from the header alone


def read_image(data: bytes, digest: str) -> list[Scan]:
    """Return one scan, or one a page of a TIFF. Raises ScanError with a sentence for the reader."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            if (
                pages > _MAX_PAGES
                or pages * image.width * image.height > 2 * MAX_PIXELS
                or (image.width * image.height > MAX_PIXELS)
            ):
                raise ScanError(_too_large(f"{pages} x " if pages > 1 else "", image.width, image.height))
            frames = [page.copy() for page in ImageSequence.Iterator(image)] if pages > 1 else [image]
            arrays = [_gray(ImageOps.exif_transpose(frame)) for frame in frames]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ScanError(_too_large("", 0, 0)) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, ScanError):
            raise
        raise ScanError(
            "This picture file is damaged or cut short; save or send it again as PNG, JPEG, TIFF or BMP."
        ) from error
    return [_scan(array, digest, index, len(arrays)) for index, array in enumerate(arrays)]


def _too_large(pages: str, width: int, height: int) -> str:
    size = f"{pages}{width} x {height} pixels" if width else f"more than {2 * MAX_PIXELS / 1e6:.0f} megapixels"
    return (
        f"This picture claims {size}; {MAX_PIXELS / 1e6:.0f} at most are accepted, "
        "so scale it down or export the single slice."
    )


def _gray(image: Image.Image) -> np.ndarray:
    """Return (H, W) of one gray channel, in the file's own values; transparent becomes black."""
    if image.mode.startswith("I") or image.mode == "F":
        return np.asarray(image)
    if "A" in image.mode or "transparency" in image.info:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.asarray(image.convert("L"))


def _scan(array: np.ndarray, digest: str, index: int, count: int) -> Scan:
    if array.dtype == np.uint8:
        return Scan(array.astype(np.float32) / 255, digest, index=index, count=count)
    pixels, span, window = stretch(array)
    return Scan(pixels, digest, index=index, count=count, span=span, window=window)


def stretch(values: np.ndarray) -> tuple[np.ndarray, tuple[float, float], tuple[float, float]]:
    """Return float32 pixels in [0, 1], the stored values that became 0 and 1, and the window to show.

    The window leaves out 0.1 % of the pixels at each end: a single hot pixel must not turn a 16-bit
    scan black. Raises ScanError where a value is not a number.
    """
    values = np.asarray(values, np.float32)
    if not np.isfinite(values).all():
        raise ScanError("Some pixels of this file are not numbers (NaN or infinite); export the series again.")
    low, high = float(values.min()), float(values.max())
    pixels = (values - low) / max(high - low, 1e-12)
    bottom, top = np.percentile(pixels, [_TAIL, 100 - _TAIL])
    window = (float(bottom), float(top)) if top > bottom else (0.0, 1.0)
    return pixels, (low, high), window
