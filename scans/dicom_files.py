"""DICOM files as datasets: how a file is encoded, and what of it is read at all.

Runs in the sandbox; no exception of pydicom may be shown to anyone, since it can quote the dataset.
"""

import io
import struct
import zlib

from pydicom import Dataset, dcmread, uid
from pydicom.filereader import read_dataset

from scans.file_types import GZIP
from scans.scan import MAX_BYTES, ScanError

_MAGIC, _AFTER_MAGIC = b"DICM", 132
_PIECE = 65_536  # bytes of gzip taken at a time: what follows a member is copied
_SYNTAXES = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.RLELossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.HTJ2K,
)


def dataset_of(data: bytes, tags: list[str]) -> tuple[Dataset, tuple[str, ...]]:
    """Return what `tags` names, and notes. The transfer syntax is read first: dcmread would inflate a deflated bomb.

    Preamble, file meta and transfer syntax may be missing, and the whole may be gzipped.
    """
    notes = ()
    if data.startswith(GZIP):
        data = _unzipped(data)
    if data[128:_AFTER_MAGIC] != _MAGIC:
        data = bytes(128) + _MAGIC + data
        notes = ("This DICOM file lacks its preamble.",)
    start = io.BytesIO(data)
    start.seek(_AFTER_MAGIC)
    meta = read_dataset(start, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    syntax = uid.UID(str(meta.get("TransferSyntaxUID", "")))
    if not syntax:
        rest = data[start.tell() :]
        syntax = _syntax_of(rest)
        data = bytes(128) + _MAGIC + _meta_of(syntax) + rest
        notes += (f"This DICOM file does not say how it is encoded; it is read as {syntax.name}.",)
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        raise ScanError(
            "This DICOM file is deflated as a whole (Deflated Explicit VR), which can hide gigabytes; export it "
            "uncompressed or as JPEG 2000."
        )
    if syntax not in _SYNTAXES:
        name = "something unknown" if syntax.name == syntax else syntax.name  # a private one could say anything
        raise ScanError(
            f"This DICOM file is encoded as {name}, which Candor does not read; export it uncompressed, as RLE, "
            "JPEG, JPEG-LS or JPEG 2000."
        )
    return dcmread(io.BytesIO(data), specific_tags=tags), notes


def _unzipped(data: bytes) -> bytes:
    """Return what gzip holds, all its members, up to MAX_BYTES. Raises ScanError where it holds more."""
    inflated, at = bytearray(), 0
    while data.startswith(GZIP, at):  # bgzip writes a member for each 64 KB
        member = zlib.decompressobj(wbits=31)
        while not member.eof and at < len(data):
            piece = data[at : at + _PIECE]
            inflated += member.decompress(piece, MAX_BYTES + 1 - len(inflated))
            if len(inflated) > MAX_BYTES:
                raise ScanError(
                    f"This gzip file holds more than the {MAX_BYTES / 1e6:.0f} MB that are accepted; export a smaller "
                    "part."
                )
            at += len(piece) - len(member.unused_data)
    return bytes(inflated)


def _syntax_of(data: bytes) -> uid.UID:
    """Return the uncompressed transfer syntax in which a dataset begins."""
    if not data[4:6].isalpha():
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if data[1] == 0 else uid.ExplicitVRBigEndian


def _meta_of(syntax: uid.UID) -> bytes:
    """Return file meta that names nothing but a transfer syntax."""
    name = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(name)) + name
    return struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element)) + element
