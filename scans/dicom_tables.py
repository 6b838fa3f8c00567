"""Lookup tables of a DICOM file: palettes, and those from stored values to the modality's or the screen's.

pydicom's own functions keep the index in the type of the entries, which is too short for a table of 8 bits with more
than 256 of them.
"""

import numpy as np
from pydicom import Dataset
from pydicom.pixels import apply_color_lut

from scans.scan import ScanError

_BITS = range(8, 17)  # of an entry (PS3.3 C.8.11.3.1.5)
_PALETTES = tuple(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue"))


def by_table(values: np.ndarray, item: Dataset, words: str) -> np.ndarray:
    """Return what an item of a VOI or modality LUT sequence makes of whole `values`, in their shape.

    `words` is the type of two bytes of the file, "<u2" or ">u2". Raises ValueError over a table that is none.
    """
    count, first, bits = _descriptor(item.LUTDescriptor)
    data = item.LUTData
    if not isinstance(data, bytes):  # numbers, where the file says that they are words
        data = np.atleast_1d(data).astype(words).tobytes()
    return _looked_up(values, first, _entries(data, words, count, bits)[:count], count)


def top_of_table(item: Dataset) -> int:
    """Return what the largest entry of an item's table may be by its bits."""
    return 2 ** _descriptor(item.LUTDescriptor)[2] - 1


def coloured(indices: np.ndarray, dataset: Dataset, words: str) -> np.ndarray:
    """Return the colours of a palette's `indices` (rows, columns): uint8 or uint16 (rows, columns, 3 or 4), red first.

    Raises ScanError over a palette that Candor does not expand, and ValueError over one that is none.
    """
    count, first, bits = _descriptor(dataset.RedPaletteColorLookupTableDescriptor)
    if _PALETTES[0] not in dataset:  # in segments, which pydicom expands
        if bits == 8 and count > 256:
            raise ScanError(
                "This DICOM file has a palette of more than 256 colours in segments of 8 bits, which Candor does not "
                "expand; export it in grey or as PNG."
            )
        return apply_color_lut(indices, dataset)
    tables = [_entries(dataset[name].value, words, count, bits) for name in _PALETTES]
    palette = np.stack(tables, axis=-1)[:count]
    if bits == 8 and palette.max() < 256:  # an entry of 8 bits may stand in two bytes
        palette = palette.astype(np.uint8)
    return _looked_up(indices, first, palette, count)


def _descriptor(descriptor: list[int]) -> tuple[int, int, int]:
    """Return how many entries a table has, the value that the first is for, and the bits of an entry."""
    count, first, bits = (int(number) for number in descriptor)
    if bits not in _BITS:
        raise ValueError(f"{bits} bits in an entry of a table")
    return count or 2**16, first, bits


def _entries(data: bytes, words: str, count: int, bits: int) -> np.ndarray:
    """Return a table's entries; those of 8 bits stand one in a word or, where there are too few words, two."""
    table = np.frombuffer(data, words).astype("<u2")
    return table.view(np.uint8) if bits == 8 and table.size < count else table


def _looked_up(values: np.ndarray, first: int, table: np.ndarray, count: int) -> np.ndarray:
    """Return the entries of `values`; those before the table are its first, those behind it its last."""
    if len(table) < count:
        raise ValueError(f"{len(table)} entries in a table of {count}")
    index = values.astype(np.int64)
    index -= first
    return table[np.clip(index, 0, count - 1, out=index)]
