"""Picture files (PNG, JPEG, TIFF, BMP, WebP, GIF) as scans: 8 or 16 bit, gray, RGB, palette or alpha.

Pillow decodes, since OpenCV decodes 196 megapixels from a 24 KB file without complaint. Of 16-bit PNGs with several
channels Pillow drops the lower 8 bits: OpenCV decodes those. All but small files are decoded in the sandbox.
"""

import io
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps

from scans.file_types import is_deep_png
from scans.quiet import without_warnings
from scans.scan import MAX_PIXELS, Scan, ScanError
from scans.window import darken_background, mend, slices_window, stretch_in_place

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
_SMALL = 500_000  # bytes of a file that cannot hold enough to be slow: most scans on the web are smaller
_MAX_PAGES = 512  # of a TIFF
_MAX_PROGRESS = 500  # scans of a progressive JPEG; each costs a pass over the picture and a few bytes
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"  # of a JPEG
_TINT = 8  # of 255 levels by which the channels of a gray picture may differ
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # ITU-R BT.601 for blue, green, red, as Pillow's "L"

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow then refuses twice as many from the header alone


def is_small(data: bytes) -> bool:
    """Return whether a picture file is decoded in no time, whatever is wrong with it, and needs no sandbox.

    A TIFF of any size can ask for millions of strips, and OpenCV decodes the deep PNGs.
    """
    return len(data) <= _SMALL and not data.startswith((b"II", b"MM")) and not is_deep_png(data)


def read_picture(data: bytes, _plane: str = "", _stack: str = "") -> Iterable[Scan]:
    """Return the scans of any picture file. Runs in the sandbox; raises ScanError, and anything over a broken file."""
    return _read_deep_png(data) if is_deep_png(data) else read_image(data, "")


def read_image(data: bytes, digest: str) -> list[Scan]:
    """Return one scan, or one per page of a TIFF. Raises ScanError with a sentence for the user."""
    if data[:2] == b"\xff\xd8" and data.count(b"\xff\xda") > _MAX_PROGRESS:
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
                pages, notes = _without_end(data)
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


def _without_end(data: bytes) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return the pages of a JPEG without its end marker, and a note. Raises OSError where pixels are missing, too.

    The picture is whole where it makes no difference what follows.
    """
    first, *others = [list(_pages(data + tail + _END)) for tail in (b"", b"\x55" * 64, b"\xaa" * 64)]
    if not all(np.array_equal(page, other) for pages in others for page, other in zip(first, pages, strict=True)):
        raise OSError
    return first, ("This JPEG lacks its end marker; all its pixels are there.",)


def _read_deep_png(data: bytes) -> Iterator[Scan]:
    """Yield the scan of a PNG with 16 bits in each of several channels."""
    width, height = struct.unpack(">II", data[16:24])
    if width * height > MAX_PIXELS:
        raise ScanError(_too_large(f"{width} x {height} pixels"))
    import cv2  # imported late: it takes a fifth of a second, and few files need it

    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if values is None or values.dtype != np.uint16:
        raise OSError
    gray = values[..., :3].astype(np.float32) @ _LUMA
    if values.shape[-1] == 4:  # transparent becomes black
        gray *= values[..., 3] / np.float32(65535)
    yield from _stretched(np.round(gray)[None].astype(np.uint16), "")


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
            yield _gray(image)


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
