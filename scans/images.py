"""Picture files (PNG, JPEG, TIFF, BMP, WebP, GIF) as scans: 8 or 16 bit, gray, RGB, palette or alpha.

Pillow decodes, since OpenCV decodes 196 megapixels from a 24 KB file without complaint. Of 16-bit pictures with several
channels Pillow drops the lower 8 bits: OpenCV decodes such PNGs, and imagecodecs such pages of a TIFF. All but small
files are decoded in the sandbox.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps

from scans.file_types import is_deep_png
from scans.jpeg_ends import decoded_whole
from scans.quiet import without_warnings
from scans.scan import MAX_PIXELS, Scan, ScanError
from scans.window import darken_background, mend, slices_window, stretch_in_place

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
_SMALL = 500_000  # bytes of a file that cannot hold enough to be slow: most scans on the web are smaller
_MAX_PAGES = 512  # of a TIFF
_MAX_PROGRESS = 500  # scans of a progressive JPEG; each costs a pass over the picture and a few bytes
_BITS, _PHOTOMETRIC, _PLANES, _EXTRA, _ORIENTATION = 258, 262, 284, 338, 274  # TIFF 6.0
_WHITE_IS_ZERO, _APART, _ALPHA = 0, 2, 2  # of the interpretation, the planes, the extra channel
_BEGIN = b"\xff\xd8"  # of a JPEG
_SAYS_ORIENTATION = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")  # in a PNG
_PIECE = 1_000_000  # pixels of deep colours made gray at a time: all at once would take more memory than there is
_TINT = 8  # of 255 levels by which the channels of a gray picture may differ
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # ITU-R BT.601 for blue, green, red, as Pillow's "L"

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow then refuses twice as many from the header alone


def is_small(data: bytes) -> bool:
    """Return whether a picture file is decoded in no time, whatever is wrong with it, and needs no sandbox.

    A TIFF of any size can ask for millions of strips, and OpenCV decodes the deep PNGs.
    """
    return len(data) <= _SMALL and not data.startswith((b"II", b"MM")) and not is_deep_png(data)


def read_picture(data: bytes, _plane: str = "", _stack: str = "") -> list[Scan]:
    """Return the scans of any picture file, as `read_image` does. Runs in the sandbox."""
    return read_image(data, "")


def read_image(data: bytes, digest: str) -> list[Scan]:
    """Return one scan, or one per page of a TIFF. Raises ScanError with a sentence for the user."""
    if data[:2] == _BEGIN and data.count(b"\xff\xda") > _MAX_PROGRESS:
        raise ScanError(
            f"This JPEG is built of more than {_MAX_PROGRESS} layers, as no camera does; save it again as PNG."
        )
    notes = ()
    try:
        with without_warnings():  # what Pillow warns of is either refused below or harmless
            try:
                pages = list(_pages(data))
            except OSError:
                if data[:2] != _BEGIN:
                    raise
                pages = [decoded_whole(data, lambda whole: next(_pages(whole)))]
                notes = ("This JPEG lacks its end marker; all its pixels are there.",)
    except ScanError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        raise ScanError(
            _too_large(f"{int(pixels[1]) / 1e6:,.0f} megapixels" if pixels else "more than memory holds")
        ) from None
    except Exception:  # Pillow fails in a dozen ways over a broken file
        raise ScanError(
            "This picture file is damaged, cut short or of a rare kind; save or send it again as PNG, JPEG, TIFF "
            "or BMP."
        ) from None
    return [replace(scan, notes=notes + scan.notes) for scan in _scans(pages, digest)]


def _deep_gray(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return uint16 (H, W) of blue, green and red (H, W, 3) and alpha (H, W, 0 or 1); transparent becomes black."""
    gray = np.empty(colours.shape[:2], np.uint16)
    rows = max(1, _PIECE // gray.shape[1])
    for start in range(0, len(gray), rows):
        piece = slice(start, start + rows)
        light = colours[piece].astype(np.float32) @ _LUMA
        if alpha.shape[-1]:
            light *= alpha[piece, :, 0] / np.float32(65535)
        gray[piece] = np.round(light)
    return gray


def _pages(data: bytes) -> Iterator[np.ndarray]:
    """Yield (H, W) of each page, in the file's own values; an animation's first frame is its picture."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        total = 0
        for index in range(_MAX_PAGES + 1 if image.format == "TIFF" else 1):
            try:
                image.seek(index)
            except EOFError:
                return
            if index == _MAX_PAGES:
                raise ScanError(_too_large(f"more than {_MAX_PAGES} pages"))
            total += image.width * image.height
            if image.width * image.height > MAX_PIXELS or total > 2 * MAX_PIXELS:
                page = f" in page {index + 1}" if index else ""
                raise ScanError(_too_large(f"{image.width} x {image.height} pixels{page}"))
            yield _gray(_with_all_bits(image, data, index))


def _with_all_bits(image: Image.Image, data: bytes, index: int) -> Image.Image:
    """Return an image itself, or, where it has several channels of 16 bits, its gray, not yet turned upright."""
    if is_deep_png(data):
        said = any(mark in data for mark in _SAYS_ORIENTATION)  # else Pillow would decode all of it to look behind it
        return _to_turn(_deep_png(data), image.getexif().get(_ORIENTATION, 1) if said else 1)
    tags = getattr(image, "tag_v2", {})
    if image.mode not in ("RGB", "RGBA") or max(tags.get(_BITS, (8,))) <= 8:
        return image
    import imagecodecs  # imported late: few files need it

    values = imagecodecs.tiff_decode(data, index=index)
    if tags.get(_PLANES) == _APART:
        values = np.moveaxis(values, 0, -1)
    if values.ndim != 3 or values.shape[0] * values.shape[1] != image.width * image.height:
        raise OSError
    apart = tags.get(_EXTRA, (_ALPHA,))[0] == _ALPHA  # else it is none, or the colours are multiplied by it
    gray = _deep_gray(values[..., 2::-1], values[..., 3:4] if apart else values[..., :0])
    return _to_turn(gray, tags.get(_ORIENTATION, 1))


def _deep_png(data: bytes) -> np.ndarray:
    """Return the gray of a PNG with 16 bits in each of several channels, uint16 (H, W)."""
    import cv2  # imported late: it takes a fifth of a second, and few files need it

    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if values is None or values.dtype != np.uint16:
        raise OSError
    return _deep_gray(values[..., :3], values[..., 3:])


def _to_turn(gray: np.ndarray, orientation: int) -> Image.Image:
    """Return an image of uint16 (H, W) that says which way up it is."""
    image = Image.fromarray(gray)
    image.getexif()[_ORIENTATION] = orientation
    return image


def _too_large(size: str) -> str:
    return (
        f"This picture claims {size}; {MAX_PIXELS / 1e6:.0f} megapixels at most are accepted, twice as many over "
        f"{_MAX_PAGES} pages, so scale it down or export the single slice."
    )


def _gray(image: Image.Image) -> np.ndarray:
    """Return (H, W) of one gray channel, upright, in the file's own values; transparent becomes black."""
    # Pillow turns a TIFF stored white-is-zero round up to 8 bits only.
    negative = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    if image.format == "GIF" and np.ptp(np.asarray(image.convert("RGB")), axis=-1).max() > _TINT:
        raise ScanError("This is a GIF in colour, whose 256 colours spoil a scan; export it again as PNG.")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        return np.invert(values) if negative and values.dtype.kind == "u" else -values if negative else values
    if "A" in image.mode or "transparency" in image.info:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.asarray(image.convert("L"))


def _scans(pages: list[np.ndarray], digest: str) -> list[Scan]:
    """Return one scan per page; pages of one size are a volume, and share one span and window."""
    shapes = {page.shape for page in pages}
    notes = () if len(shapes) == 1 else ("The pages of this file differ in size, so they are not one series.",)
    if len(shapes) == 1 and all(page.dtype != np.uint8 for page in pages):
        groups = [np.stack(pages)]
    else:
        groups = [page[None] for page in pages]
    scans = [scan for group in groups for scan in _stretched(group, digest)]
    return [replace(scan, index=index, count=len(scans), notes=notes + scan.notes) for index, scan in enumerate(scans)]


def _stretched(pages: np.ndarray, digest: str) -> list[Scan]:
    """Return the scans of `pages` (n, H, W), which share one span and window."""
    if pages.dtype == np.uint8:
        return [Scan(np.divide(page, np.float32(255), dtype=np.float32), digest) for page in pages]
    values = pages.astype(np.float32)
    notes = mend(values) + darken_background(values)
    span = stretch_in_place(values)
    window, about_slices = slices_window(values)
    return [Scan(page, digest, span=span, window=window, notes=notes + about_slices) for page in values]
