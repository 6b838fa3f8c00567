"""What people send instead of a scan, told from its first bytes, and what to do about it."""

import re

from scans.file_types import ACCEPTED, GZIP, header_bytes, is_pair_header

_PICTURE = "export it as PNG or JPEG"
_VOLUME = "as NIfTI (.nii.gz)"
_ARCHIVE = "unpack it and send the scans that are in it."
_VIDEO = "This is a video; export single pictures of it as PNG, or send the DICOM series that it was made from."
_RAW = f"This is the raw file of a camera; {_PICTURE}."

_MAGIC = {
    b"7z\xbc\xaf\x27\x1c": f"This is a 7-Zip archive; {_ARCHIVE}",
    b"Rar!": f"This is a RAR archive; {_ARCHIVE}",
    b"BZh": f"This is a bzip2 file; {_ARCHIVE}",
    b"\xfd7zXZ\0": f"This is an xz file; {_ARCHIVE}",
    b"\x28\xb5\x2f\xfd": f"This is a Zstandard file; {_ARCHIVE}",
    b"%PDF": f"This is a PDF document; send the picture itself, as one of {ACCEPTED}.",
    b"%!PS": f"This is a PostScript drawing; {_PICTURE}.",
    b"\xc5\xd0\xd3\xc6": f"This is a PostScript drawing; {_PICTURE}.",
    b"{\\rtf": "This is a text document (RTF); save the picture in it as PNG or JPEG.",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "This is an Office document; save the picture in it as PNG or JPEG.",
    b"8BPS": f"This is a Photoshop file; {_PICTURE}.",
    b"II+\0": "This is a BigTIFF picture; save it as plain TIFF or as PNG.",
    b"MM\0+": "This is a BigTIFF picture; save it as plain TIFF or as PNG.",
    b"\x00\x00\x00\x0cjP  ": f"This is a JPEG 2000 picture outside DICOM; export it again as one of {ACCEPTED}.",
    b"\xff\x4f\xff\x51": f"This is a JPEG 2000 picture outside DICOM; export it again as one of {ACCEPTED}.",
    b"\xff\x0a": f"This is a JPEG XL picture; {_PICTURE}.",
    b"\x00\x00\x00\x0cJXL ": f"This is a JPEG XL picture; {_PICTURE}.",
    b"II\xbc": f"This is a JPEG XR picture; {_PICTURE}.",
    b"FUJIFILMCCD-RAW": _RAW,
    b"IIU\0": _RAW,
    b"IIRO": _RAW,
    b"IIRS": _RAW,
    b"FOVb": _RAW,
    b"\x1aE\xdf\xa3": _VIDEO,
    b"\0\0\1\xba": _VIDEO,
    b"MATLAB": f"This is a MATLAB file; save the picture in it as one of {ACCEPTED}.",
    b"CDF\1": f"This is a MINC or other netCDF file; save the volume {_VOLUME}, with mnc2nii.",
    b"CDF\2": f"This is a MINC or other netCDF file; save the volume {_VOLUME}, with mnc2nii.",
    b"NRRD": f"This NRRD file is of a version that Candor does not know; save the volume {_VOLUME}.",
    b"mrtrix image": f"This is a volume of MRtrix; save it {_VOLUME}, with mrconvert.",
    b"# === DATA DESCRIPTION FILE": (
        f"This is the header of a Philips PAR/REC pair; send the DICOM series, or save the volume {_VOLUME}, with "
        "dcm2niix."
    ),
    b"##TITLE": f"This is a list of parameters of Bruker ParaVision; export the scan as DICOM, or save it {_VOLUME}.",
}

# Brands of an ISO media file (ISO/IEC 14496-12), which tell what it holds; the first that is found decides.
_BRANDS = {
    (b"avif", b"avis"): f"This is an AVIF picture; {_PICTURE}.",
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"): f"This is a HEIC photo; {_PICTURE}.",
    (b"crx ",): _RAW,
}

_WEB_PAGE = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<?xml", b"<!--")
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\r\n\f"

# Of a text, in this order: what tells it, and the sentence.
_TEXTS = {
    rb"<nativedicommodel|\"[0-9a-f]{8}\"\s*:\s*\{\s*\"vr\"": (
        "This is a DICOM dataset as XML or JSON; send the DICOM file itself (.dcm)."
    ),
    rb"\A<(svg|(\?xml|!doctype svg).*<svg)": f"This is an SVG drawing; {_PICTURE}.",
    rb"<gifti": f"This is a surface (GIfTI), not a scan; send the volume {_VOLUME}.",
    rb"^(objecttype|ndims|binarydata)\s*=": f"This is a MetaImage file (.mha, .mhd); save the volume {_VOLUME}.",
    rb"^type\s*=\s*(string|integer|float)-attribute": (
        f"This is the header of an AFNI dataset; save the volume {_VOLUME}, with 3dAFNItoNIFTI."
    ),
}


def sentence(data: bytes) -> str:
    """Return the sentence for a file that is none of those accepted."""
    if is_pair_header(data):
        return (
            "This is the header of an Analyze or NIfTI pair without its voxels (.img); send both, or save both as one "
            ".nii file."
        )
    if data.startswith(GZIP):
        return _in_gzip(data)
    for magic, known in _MAGIC.items():
        if data.startswith(magic):
            return known
    if data[4:8] == b"ftyp":
        brands = data[8:64]
        return next((known for names, known in _BRANDS.items() if any(name in brands for name in names)), _VIDEO)
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return _VIDEO
    if data[257:262] == b"ustar":
        return f"This is a tar archive; {_ARCHIVE}"
    return _of_text(data) or f"This is not a file Candor knows; it reads {ACCEPTED}."


def _in_gzip(data: bytes) -> str:
    if header_bytes(data)[257:262] == b"ustar":
        return f"This is a tar archive; {_ARCHIVE}"
    return "This gzip file holds neither NIfTI nor DICOM; unpack it and send the scans that are in it."


def _of_text(data: bytes) -> str:
    """Return the sentence for a text, "" where the file is none."""
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    # MetaImage has its voxels behind its text.
    for pattern, known in _TEXTS.items():
        if re.search(pattern, start, re.MULTILINE | re.DOTALL):
            return known
    if start.startswith(_WEB_PAGE):
        return "This is a web page, not a picture; open it in a browser and save the picture itself."
    if not data[:1000].translate(None, _PLAIN):
        return f"This file holds text, not a scan; Candor reads {ACCEPTED}."
    return ""
