"""Lookup tables of a DICOM file give each value its entry, however many entries and bits they have."""

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from scans import ScanError, read
from tests.good_files import dicom, dicom12, disc, item
from tests.scans.test_dicom import only

every_length = pytest.mark.parametrize("entries", [256, 1024, 4096])
every_order = pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian])


def table_of(entries: np.ndarray, bits: int, first: int = 0, words: str = "", **attributes: object) -> Dataset:
    """Return an item of a sequence of tables, its entries as numbers or, in the order of `words`, as bytes."""
    data = entries.astype(words).tobytes() if words else entries.tolist()
    table = item(LUTDescriptor=[len(entries), first, bits], LUTData=data, **attributes)
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW" if words else "US"
    return table


def doubling(entries: int, bits: int) -> np.ndarray:
    """A table that doubles the values up to half of the range, and saturates."""
    return np.minimum(np.linspace(0, 2 * (2**bits - 1), entries), 2**bits - 1).astype(int)


def indices(entries: int) -> np.ndarray:
    return np.round((entries - 1) * disc()).astype(np.uint16)


@pytest.mark.parametrize("as_words", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
@every_length
@every_order
def test_a_lookup_table_decides_what_is_shown(syntax, entries, bits, as_words):
    lut, values = doubling(entries, bits), indices(entries)
    words = {False: "", True: "<u2" if syntax.is_little_endian else ">u2"}[as_words]
    scan = only(dicom(values, syntax=syntax, VOILUTSequence=[table_of(lut, bits, words=words)]))
    np.testing.assert_allclose(scan.windowed(), lut[values] / (2**bits - 1), atol=1e-6)


@pytest.mark.parametrize("as_words", [False, True])
@pytest.mark.parametrize("name", ["VOILUTSequence", "ModalityLUTSequence"])
@every_length
@every_order
def test_entries_of_8_bits_may_stand_two_in_a_word(syntax, entries, name, as_words):
    lut, values = doubling(entries, 8), indices(entries)
    words = "<u2" if syntax.is_little_endian else ">u2"
    table = table_of(lut, 8, words=words if as_words else "", ModalityLUTType="US")
    packed = palette(lut, 8, words)["RedPaletteColorLookupTableData"]
    table.LUTData = packed if as_words else np.frombuffer(packed, words).tolist()
    scan = only(dicom(values, syntax=syntax, **{name: [table]}))
    stored = scan.span[0] + scan.pixels * (scan.span[1] - scan.span[0])
    np.testing.assert_allclose(stored, lut[values], atol=0.01)


def test_values_outside_a_table_have_its_first_and_its_last_entry():
    values = np.round(4095 * disc()).astype(np.int16) - 1000
    scan = only(dicom(values, VOILUTSequence=[table_of(doubling(1024, 8), 8, first=100)]))
    np.testing.assert_allclose(scan.windowed(), doubling(1024, 8)[np.clip(values - 100, 0, 1023)] / 255, atol=1e-6)


def test_a_lookup_table_with_more_bits_than_it_says_stays_within_black_and_white():
    for interpretation in ("MONOCHROME2", "MONOCHROME1"):
        table = table_of(np.arange(4096), 10)
        (scan,) = read(dicom12(disc(), VOILUTSequence=[table], PhotometricInterpretation=interpretation))
        assert 0 <= scan.pixels.min() < scan.pixels.max() <= 1


@pytest.mark.parametrize("bits", [8, 12, 16])
@every_length
def test_a_modality_table_is_looked_up(entries, bits):
    lut, values = doubling(entries, bits)[::-1], indices(entries)
    scan = only(dicom(values, ModalityLUTSequence=[table_of(lut, bits, ModalityLUTType="US")]))
    stored = scan.span[0] + scan.pixels * (scan.span[1] - scan.span[0])
    np.testing.assert_allclose(stored, lut[values], atol=0.01)


def palette(entries: np.ndarray, bits: int, words: str = "<u2") -> dict:
    """Return the attributes of a gray palette; entries of 8 bits stand two in a word."""
    stored = entries.astype(np.uint8).view("<u2") if bits == 8 else entries.astype("<u2")
    attributes = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        attributes[f"{colour}PaletteColorLookupTableDescriptor"] = [len(entries), 0, bits]
        attributes[f"{colour}PaletteColorLookupTableData"] = stored.astype(words).tobytes()
    return attributes


@pytest.mark.parametrize("bits", [8, 16])
@every_length
@every_order
def test_a_palette_is_looked_up(syntax, entries, bits):
    lut, values = doubling(entries, bits)[::-1], indices(entries)
    words = "<u2" if syntax.is_little_endian else ">u2"
    scan = only(dicom(values, syntax=syntax, **palette(lut, bits, words)))
    np.testing.assert_allclose(scan.windowed(), lut[values] / (2**bits - 1), atol=1e-6)


def test_entries_of_8_bits_may_stand_in_16():
    attributes = palette(doubling(4096, 8), 16)
    for colour in ("Red", "Green", "Blue"):
        attributes[f"{colour}PaletteColorLookupTableDescriptor"] = [4096, 0, 8]
    scan = only(dicom(indices(4096), **attributes))
    np.testing.assert_allclose(scan.windowed(), doubling(4096, 8)[indices(4096)] / 255, atol=1e-6)


@pytest.mark.parametrize(
    "attributes",
    [
        {"VOILUTSequence": [table_of(np.arange(100), 0)]},
        {"VOILUTSequence": [table_of(np.arange(100), 32)]},
        {"ModalityLUTSequence": [table_of(np.arange(100), 8, words=">u2")], "BitsStored": 0},
        palette(np.arange(256), 8) | {"RedPaletteColorLookupTableDescriptor": [4096, 0, 8]},
        palette(np.arange(256), 16) | {"RedPaletteColorLookupTableDescriptor": [512, 0, 16]},
    ],
)
def test_a_table_that_cannot_be_one_is_refused(attributes):
    with pytest.raises(ScanError, match="damaged"):
        read(dicom12(disc(), **attributes))
