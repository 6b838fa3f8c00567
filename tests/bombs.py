"""Small files that would cost gigabytes or minutes: of zeros packed away, of false sizes, of endless lists.

`BOMBS` are among the `BAD_FILES` of tests/bad_files.py. `HEAVY_FILES` are long or deep lists around a
good picture, and may be read or refused, within the bounds of tests/scans/fuzz.py. Each is made in two seconds or less.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable

import nibabel
import numpy as np
from PIL import Image
from pydicom.uid import JPEG2000Lossless

from tests.good_files import bmp, dicom, dicom12, disc, eight_bit, jpeg, nifti, picture, png, volume

_BLOCK = 10_000_000  # bytes that are deflated once and then repeated
_PATIENT = b"\x10\x00\x10\x00PN"  # an element near the start of the DICOM files that are made here
_REFERENCED, _FRAMES = b"\x08\x00\x40\x11", b"\x00\x52\x30\x92"  # sequences: one nobody reads, one that is read


def _zeros(size: int, wbits: int = zlib.MAX_WBITS) -> bytes:
    """Return `size` zeros deflated, as a zlib stream or (wbits < 0) without its frame, in no time."""
    deflate = zlib.compressobj(9, wbits=wbits)
    # After a full flush nothing refers back, so one block can be written again and again.
    start, again = (deflate.compress(bytes(n)) + deflate.flush(zlib.Z_FULL_FLUSH) for n in (size % _BLOCK, _BLOCK))
    end = deflate.flush()
    if wbits > 0:
        end = end[:-4] + struct.pack(">I", size % 65521 << 16 | 1)  # Adler-32
    return start + again * (size // _BLOCK) + end


def _archive_in_archive() -> bytes:
    """100 MB of zeros, packed five times over, 16 copies in each archive: 6.5 TB in 23 KB."""
    data = bytes(100_000_000)
    for level in range(5):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(16 if level else 1):
                archive.writestr(f"{level}/{number}.zip" if level else "IM0.dcm", data)
        data = stream.getvalue()
    return data


def _zip64(members: Iterable[tuple[str, bytes, int]]) -> bytes:
    """Return an archive of members by name, deflated bytes and the size that they claim."""
    files, directory, count = bytearray(), bytearray(), 0
    for name, packed, size in members:
        extra = struct.pack("<HHQQ", 1, 16, size, len(packed))
        facts = struct.pack("<HHHHIIIHH", 0, 8, 0, 33, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra))
        directory += b"PK\1\2" + struct.pack("<HH", 45, 45) + facts + bytes(10) + struct.pack("<I", len(files))
        directory += name.encode() + extra
        files += b"PK\3\4" + struct.pack("<H", 45) + facts + name.encode() + extra + packed
        count += 1
    end = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, len(directory), len(files))
    end += b"PK\6\7" + struct.pack("<IQI", 0, len(files) + len(directory), 1)
    end += b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, *[min(count, 0xFFFF)] * 2, len(directory), len(files), 0)
    return bytes(files + directory + end)


def _ten_gigabytes(claimed: int) -> bytes:
    return _zip64([("IM0.dcm", _zeros(10_000_000_000, -zlib.MAX_WBITS), claimed)])


def _many_members() -> bytes:
    packed = _zeros(1, -zlib.MAX_WBITS)
    return _zip64((f"IM{number}.dcm", packed, 1) for number in range(100_000))


def _study(data: bytes, count: int) -> bytes:
    """Return an archive of as many copies of a file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(count):
            archive.writestr(f"IM{number}.dcm", data)
    return stream.getvalue()


def _large_slice() -> bytes:
    """Return a DICOM file of 4990 x 4990 pixels, just within the limits."""
    values = np.zeros((4990, 4990), np.uint16)
    values[1000:3000, 1000:3000] = np.arange(2000)
    return dicom(values)


def _chunk(name: bytes, body: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _square_png(bits: int, colour: int) -> bytes:
    """Return 30,000 x 30,000 black pixels of colour type 0 (gray) or 2 (RGB)."""
    side = 30_000
    row = 1 + side * bits * (3 if colour else 1) // 8
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", _zeros(side * row)) + _chunk(b"IEND")


def _lying_jpeg2000(side: int, *, tile: int = 0, **attributes: int) -> bytes:
    """Return a DICOM file whose codestream claims `side` x `side` pixels, as one tile or tiles of `tile` x `tile`."""
    data = bytearray(dicom12(disc(), syntax=JPEG2000Lossless))
    sides = (side, side, 0, 0, tile or side, tile or side)
    struct.pack_into(">6I", data, data.index(b"\xff\x4f\xff\x51") + 8, *sides)
    for name, value in attributes.items():
        tag = {"Rows": 0x10, "Columns": 0x11}[name]
        struct.pack_into("<H", data, data.index(struct.pack("<HH2sH", 0x28, tag, b"US", 2)) + 8, value)
    return bytes(data)


def _sequences(tag: bytes, *, defined: bool, levels: int = 10_000) -> bytes:
    """Return a DICOM file with sequences of defined or undefined length, each within the one before it."""
    if defined:
        sizes = range(0, 20 * levels, 20)
        heads = [tag + struct.pack("<2sHIHHI", b"SQ", 0, size + 8, 0xFFFE, 0xE000, size) for size in sizes]
        nested = b"".join(reversed(heads))
    else:
        nested = (tag + b"SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff") * levels
        nested += (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * levels
    return _before(b"\xe0\x7f\x10\x00OW" if tag == _FRAMES else _PATIENT, nested, dicom12(disc()))


def _million_elements(**attributes: object) -> bytes:
    """Return a DICOM file with as many private elements of two characters."""
    number = np.arange(1_000_000)
    elements = np.zeros(len(number), [("group", "<u2"), ("element", "<u2"), ("rest", "S6")])
    elements["group"], elements["element"] = 9 + 2 * (number // 60_000), 0x1000 + number % 60_000
    elements["rest"] = b"LO\2\0AB"
    return _before(_PATIENT, elements.tobytes(), dicom12(disc(), **attributes))


def _before(mark: bytes, inserted: bytes, data: bytes) -> bytes:
    return _after(data.index(mark), inserted, data)


def _after(place: int, inserted: bytes, data: bytes) -> bytes:
    return data[:place] + inserted + data[place:]


def _pages(count: int, *, loop: bool = False) -> bytes:
    """Return a TIFF of `count` pages of 64 x 64 bits, all with the same pixels; `loop`: the last leads to the first."""
    page = _directory({256: (4, [64]), 257: (4, [64]), 273: (4, [8])})
    first, size = 8 + 512, len(page)
    pages = np.frombuffer(page, np.uint8)[None].repeat(count, 0)
    follows = first + size * np.arange(1, count + 1, dtype="<u4")
    follows[-1] = first if loop else 0
    pages[:, -4:] = follows.view(np.uint8).reshape(count, 4)
    return b"II*\0" + struct.pack("<I", first) + bytes(range(256)) * 2 + pages.tobytes()


def _directory(tags: dict[int, tuple[int, list[int] | np.ndarray]]) -> bytes:
    """Return a directory of a TIFF at byte 8 with the values of `tags` behind it; type 4 is a long, 5 a rational."""
    entries, values, at = b"", b"", 8 + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        stored = np.asarray(numbers, "<u4").tobytes()
        count = len(numbers) // (2 if kind == 5 else 1)
        entries += struct.pack("<HHI", tag, kind, count) + (stored if len(stored) == 4 else struct.pack("<I", at))
        if len(stored) > 4:
            values, at = values + stored, at + len(stored)
    return struct.pack("<H", len(tags)) + entries + bytes(4) + values


def _listed(tag: int, kind: int, count: int, facts: dict[int, int]) -> bytes:
    """Return a TIFF of one page, gray with 8 bits, whose `tag` lists `count` values."""
    facts = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1} | facts
    listed = {tag: (kind, np.full(count * (2 if kind == 5 else 1), 8, "<u4"))}
    return b"II*\0\x08\0\0\0" + _directory({key: (4, [value]) for key, value in facts.items()} | listed)


def _huge_jpeg() -> bytes:
    data = bytearray(jpeg(disc()))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, 65_500, 65_500)
    return bytes(data)


def _huge_webp() -> bytes:
    frames = [Image.fromarray(eight_bit(pixels)).convert("RGB") for pixels in (disc(), 1 - disc())]
    data = bytearray(picture(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (65_534).to_bytes(3, "little") * 2
    return bytes(data)


def _gif(before: bytes = b"", after: bytes = b"", side: int = 64) -> bytes:
    """Return a GIF that claims `side` pixels each way, with something before and after its frame."""
    data = bytearray(picture(Image.fromarray(eight_bit(disc())), "GIF"))
    struct.pack_into("<HH", data, 6, side, side)
    palette = 13 + (6 << (data[10] & 7))
    return bytes(data[:palette]) + before + bytes(data[palette:-1]) + after + b";"


def _full_rows() -> bytes:
    """A BMP in run lengths, each beyond the end of the first row: nothing is ever added to the picture."""
    data, runs = bytearray(bmp(disc())), b"\xff\1" * 24_000_000
    start = struct.unpack_from("<I", data, 10)[0]
    struct.pack_into("<I", data, 30, 1)  # run lengths of 8 bits
    return bytes(data[:start]) + runs


def _sides(*sides: int, kind: type[nibabel.Nifti1Image]) -> bytes:
    def change(header: nibabel.Nifti1Header) -> None:
        header["dim"] = [len(sides), *sides, *[1] * (7 - len(sides))]

    return nifti(volume(), kind=kind, change=change)


BOMBS: dict[str, Callable[[], bytes]] = {
    "archive-in-archive.zip": _archive_in_archive,
    "ten-gigabytes.zip": lambda: _ten_gigabytes(10_000_000_000),
    "ten-gigabytes-as-four-kilobytes.zip": lambda: _ten_gigabytes(4096),
    "hundred-thousand-members.zip": _many_members,
    "gzip-in-gzip.nii.gz": lambda: gzip.compress(gzip.compress(bytes(50_000_000), 9) * 1000, 9),
    "lying-jpeg2000.dcm": lambda: _lying_jpeg2000(30_000),
    "thirty-thousand-square-jpeg2000.dcm": lambda: _lying_jpeg2000(30_000, Rows=30_000, Columns=30_000),
    "thirty-thousand-square-1-bit.png": lambda: _square_png(1, 0),
    "thirty-thousand-square-8-bit.png": lambda: _square_png(8, 0),
    "thirty-thousand-square-16-bit-colour.png": lambda: _square_png(16, 2),
    "million-pages.tif": lambda: _pages(1_000_000),
    "huge.jpg": _huge_jpeg,
    "huge.webp": _huge_webp,
    "huge.gif": lambda: _gif(side=65_535),
    "endless-sequences.dcm": lambda: _sequences(_REFERENCED, defined=False),
    "endless-sequences-of-frames.dcm": lambda: _sequences(_FRAMES, defined=False),
    "million-elements.dcm": lambda: _million_elements(PixelData=None),
    "overflowing-sides.nii": lambda: _sides(2**32, 2**32, kind=nibabel.Nifti2Image),
    "seven-sides.nii": lambda: _sides(*[32_767] * 7, kind=nibabel.Nifti1Image),
}

HEAVY_FILES: dict[str, Callable[[], bytes]] = {
    "million-frames.gif": lambda: _gif(after=b",\0\0\0\0\1\0\1\0\0\2\2\x44\1\0" * 1_000_000),
    "looping-pages.tif": lambda: _pages(100, loop=True),
    "deep-sequences.dcm": lambda: _sequences(_REFERENCED, defined=True),
    "deep-sequences-of-frames.dcm": lambda: _sequences(_FRAMES, defined=True),
    "million-elements-and-a-picture.dcm": _million_elements,
    "tiny-tiles-jpeg2000.dcm": lambda: _lying_jpeg2000(5000, tile=20),
    "study-of-large-slices.zip": lambda: _study(_large_slice(), 5),
    "study-of-million-elements.zip": lambda: _study(_million_elements(), 25),
    "study-of-tiny-tiles.zip": lambda: _study(_lying_jpeg2000(5000, tile=20), 512),
    "four-million-chunks.png": lambda: _after(33, _chunk(b"abCd") * 4_000_000, png(disc())),
    "twelve-million-segments.jpg": lambda: _after(2, b"\xff\xe5\0\2" * 12_000_000, jpeg(disc())),
    "fill-bytes.jpg": lambda: _after(2, b"\xff" * 49_000_000, jpeg(disc())),
    "comment-in-pieces.gif": lambda: _gif(before=b"!\xfe" + b"\1a" * 24_000_000 + b"\0"),
    "one-pixel-tiles.tif": lambda: _listed(324, 4, 3400**2, {256: 3400, 257: 3400, 322: 1, 323: 1}),
    "one-row-strips.tif": lambda: _listed(273, 4, 2_000_000, {256: 10, 257: 2_000_000, 278: 1}),
    "six-million-resolutions.tif": lambda: _listed(282, 5, 6_000_000, {273: 8}),
    "full-rows.bmp": _full_rows,
}
