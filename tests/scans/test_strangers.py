"""What is sent instead of a scan is named, with what to do; nothing that Candor reads is taken for it."""

import gzip
import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from scans import ACCEPTED, ScanError, read
from scans.strangers import sentence
from tests.good_files import disc, eight_bit, picture


def media(brand: bytes, *compatible: bytes) -> bytes:
    """Return the start of an ISO media file of a brand."""
    brands = brand + bytes(4) + b"".join(compatible)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + b"\0\0\0\x08mdat" + bytes(500)


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("scan.dcm"), io.BytesIO())
    return stream.getvalue()


def avif() -> bytes:
    return picture(Image.fromarray(eight_bit(disc())).convert("RGB"), "AVIF")


STRANGERS = {
    "HEIC of a phone": (media(b"heic", b"mif1", b"heic"), "a HEIC photo; export it as PNG or JPEG"),
    "HEIF": (media(b"mif1", b"heic"), "a HEIC photo"),
    "AVIF": (media(b"mif1", b"avif", b"miaf"), "an AVIF picture; export it as PNG or JPEG"),
    "AVIF of Pillow": (avif(), "an AVIF picture"),
    "raw file of a Canon": (media(b"crx ", b"isom"), "the raw file of a camera"),
    "raw file of a Fuji": (b"FUJIFILMCCD-RAW 0201" + bytes(400), "the raw file of a camera"),
    "MP4": (media(b"isom", b"mp41"), "a video; export single pictures of it as PNG, or send the DICOM series"),
    "QuickTime": (media(b"qt  "), "a video"),
    "AVI": (b"RIFF\0\0\1\0AVI LIST" + bytes(400), "a video"),
    "Matroska": (b"\x1aE\xdf\xa3" + bytes(400), "a video"),
    "BigTIFF": (b"II+\0\x08\0\0\0" + bytes(400), "a BigTIFF picture; save it as plain TIFF or as PNG"),
    "BigTIFF, big endian": (b"MM\0+\0\x08\0\0" + bytes(400), "a BigTIFF picture"),
    "JPEG XL": (b"\xff\x0a" + bytes(400), "a JPEG XL picture"),
    "JPEG XL in a container": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(400), "a JPEG XL picture"),
    "JPEG XR": (b"II\xbc\1" + bytes(400), "a JPEG XR picture"),
    "JPEG 2000": (b"\xff\x4f\xff\x51" + bytes(400), "a JPEG 2000 picture outside DICOM"),
    "Photoshop": (b"8BPS\0\1" + bytes(400), "a Photoshop file"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript drawing"),
    "PDF": (b"%PDF-1.7\n" + bytes(400), "a PDF document"),
    "SVG": (b'<?xml version="1.0"?>\n<svg xmlns="x">', "an SVG drawing"),
    "SVG without XML": (b'<svg xmlns="x">', "an SVG drawing"),
    "web page with a drawing": (b"<!doctype html><body><svg>", "a web page, not a picture"),
    "Office": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Office document"),
    "RTF": (b"{\\rtf1\\ansi", "a text document"),
    "MetaImage": (b"ObjectType = Image\nNDims = 3\nElementDataFile = LOCAL\n\xff\0\x80", "a MetaImage file"),
    "MetaImage with a comment": (b"Comment = x\nNDims = 3\n" + bytes(99), "a MetaImage file (.mha, .mhd); save"),
    "MINC 1": (b"CDF\1" + bytes(400), "a MINC or other netCDF file; save the volume as NIfTI (.nii.gz), with mnc2nii"),
    "new NRRD": (b"NRRD0017\n", "of a version that Candor does not know"),
    "MRtrix": (b"mrtrix image\ndim: 2,2,2\n", "a volume of MRtrix; save it as NIfTI (.nii.gz), with mrconvert"),
    "AFNI": (b"\ntype = string-attribute\nname = TYPESTRING\n", "the header of an AFNI dataset"),
    "GIfTI": (b'<?xml version="1.0"?>\n<!DOCTYPE GIFTI SYSTEM "x">\n<GIFTI Version="1.0">', "a surface (GIfTI)"),
    "PAR": (b"# === DATA DESCRIPTION FILE ======\n", "the header of a Philips PAR/REC pair; send the DICOM series"),
    "ParaVision": (b"##TITLE=Parameter List, ParaVision 6.0\n", "a list of parameters of Bruker ParaVision"),
    "DICOM as XML": (b'<?xml version="1.0"?>\n<NativeDicomModel>', "a DICOM dataset as XML or JSON; send the DICOM"),
    "DICOM as JSON": (b'[{"00080005": {"vr": "CS", "Value": ["x"]}}]', "a DICOM dataset as XML or JSON"),
    "other JSON": (b'{"RepetitionTime": 2}', "holds text, not a scan"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c" + bytes(99), "a 7-Zip archive; unpack it"),
    "bzip2": (b"BZh91AY&SY" + bytes(99), "a bzip2 file; unpack it"),
    "tar": (tar(), "a tar archive; unpack it"),
    "tar in gzip": (gzip.compress(tar()), "a tar archive; unpack it"),
    "gzip": (gzip.compress(b"a,b\n1,2\n"), "holds neither NIfTI nor DICOM"),
    "noise": (np.random.default_rng(7).bytes(2000), "not a file Candor knows"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_gets_one_sentence_that_names_it_and_says_what_to_do(name):
    data, words = STRANGERS[name]
    with pytest.raises(ScanError) as refusal:
        read(data)
    said = str(refusal.value)
    assert words in said and said == sentence(data)
    assert said.startswith("This ") and said.endswith(".") and ". " not in said and len(said) < 220


def test_the_list_of_what_is_accepted_names_every_format():
    for name in (
        "PNG",
        "JPEG",
        "TIFF",
        "BMP",
        "WebP",
        "GIF",
        "DICOM",
        "NIfTI",
        "MGH (.mgz)",
        "NRRD",
        "figshare's .mat",
    ):
        assert name in ACCEPTED
