"""Files that Candor reads: bytes of each kind, made from arrays of known values.

`pixels` is float (H, W) in [0, 1]; `values` are stored as they are. Real encoders, nothing from disk.
"""

import gzip
import io
from collections.abc import Callable, Sequence

import cv2
import h5py
import nibabel
import nrrd as pynrrd
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, MRImageStorage, generate_uid

from scans import phantom


def ramp(rows: int = 48, columns: int = 64) -> np.ndarray:
    """Return float32 (rows, columns) that grows from 0 at the top left to 1 at the bottom right."""
    return np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)


def disc(side: int = 64) -> np.ndarray:
    """Return float32 (side, side): a bright head-like disc with structure on black."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    radius = np.hypot(x / 0.75, y / 0.9)
    return np.where(radius < 1, 0.45 + 0.35 * np.cos(5 * radius) * np.cos(4 * x), 0.0).astype(np.float32)


def volume(shape: tuple[int, int, int] = (40, 48, 36)) -> np.ndarray:
    """Return float32 (x, y, z) in [0, 1]: a ball with structure on black."""
    x, y, z = np.mgrid[tuple(slice(-1, 1, side * 1j) for side in shape)]
    radius = np.sqrt(x**2 + y**2 + z**2) / 0.9
    return np.where(radius < 1, 0.5 + 0.4 * np.cos(6 * radius), 0.0).astype(np.float32)


def head(depth: int = 24, side: int = 128) -> np.ndarray:
    """Return int16 (side, side, depth), to the right, the front and the top: one slice, smaller towards both ends.

    Nobody's anatomy, but a head's outline in all three planes.
    """
    pixels = phantom("meningioma", 900_002, side).scan.pixels
    layers = []
    for height in np.linspace(-0.98, 0.98, depth):
        share = np.sqrt(1 - height**2)
        shrink = np.array([[share, 0, (1 - share) * side / 2], [0, share, (1 - share) * side / 2]], np.float32)
        layers.append(cv2.warpAffine(pixels, shrink, (side, side), flags=cv2.INTER_AREA)[::-1, ::-1].T)
    return np.round(900 * np.stack(layers, -1)).astype(np.int16)


def eight_bit(pixels: np.ndarray) -> np.ndarray:
    return np.round(255 * pixels).astype(np.uint8)


def picture(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return `image` as a file of Pillow's format `kind`."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(pixels: np.ndarray) -> bytes:
    return picture(Image.fromarray(eight_bit(pixels)), "PNG")


def jpeg(pixels: np.ndarray) -> bytes:
    return picture(Image.fromarray(eight_bit(pixels)), "JPEG", quality=95)


def bmp(pixels: np.ndarray) -> bytes:
    return picture(Image.fromarray(eight_bit(pixels)), "BMP")


def webp(pixels: np.ndarray) -> bytes:
    return picture(Image.fromarray(eight_bit(pixels)).convert("RGB"), "WEBP", lossless=True)


def png16(pixels: np.ndarray, bits: int = 12) -> bytes:
    """Return a 16-bit PNG that uses the lowest `bits` only, as scanners do."""
    return picture(Image.fromarray(np.round((2**bits - 1) * pixels).astype(np.uint16)), "PNG")


def deep_tiff(values: np.ndarray) -> bytes:
    """Return a TIFF of uint16 (H, W, 3 or 4), blue first."""
    return cv2.imencode(".tiff", values)[1].tobytes()


def tiff(pages: Sequence[np.ndarray], **options: object) -> bytes:
    """Return a TIFF with a page for each array, stored in the array's own type."""
    first, *others = [Image.fromarray(page) for page in pages]
    return picture(first, "TIFF", save_all=True, append_images=others, **options)


def dicom(
    values: np.ndarray,
    *,
    syntax: UID = ExplicitVRLittleEndian,
    bits_stored: int | None = None,
    encoded: Sequence[bytes] = (),
    **attributes: object,
) -> bytes:
    """Return a DICOM file of integer `values`: (H, W), (H, W, 3), or (frames, H, W) with NumberOfFrames given.

    `syntax` is one that pydicom can encode, or that of the `encoded` frames. `attributes` are set last;
    None leaves one out. It carries the name of a patient, which must never come out again.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["candor"])
    meta.TransferSyntaxUID = syntax if encoded or not syntax.is_compressed else ExplicitVRLittleEndian
    dataset = FileDataset(
        "",
        {},
        file_meta=meta,
        preamble=bytes(128),
        is_implicit_VR=meta.TransferSyntaxUID.is_implicit_VR,
        is_little_endian=meta.TransferSyntaxUID.is_little_endian,
    )
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Muster^Erika", "4711", "19640812"
    dataset.Modality = "MR"
    colour = values.shape[-1] == 3
    dataset.Rows, dataset.Columns = values.shape[-3:-1] if colour else values.shape[-2:]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = 8 * values.itemsize
    dataset.BitsStored = bits_stored or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    stored = values.astype(values.dtype.newbyteorder("<" if syntax.is_little_endian else ">"))
    dataset.PixelData = encapsulate(list(encoded)) if encoded else stored.tobytes()
    dataset["PixelData"].VR = "OB" if encoded or values.itemsize == 1 else "OW"
    for name, value in attributes.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    if syntax.is_compressed and not encoded:
        dataset.compress(syntax)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def dicom12(pixels: np.ndarray, **attributes: object) -> bytes:
    """Return a DICOM file of 12 bits in 16, as an MR scanner writes it."""
    return dicom(np.round(4095 * pixels).astype(np.uint16), bits_stored=12, **attributes)


def dicom_frames(frames: np.ndarray, **attributes: object) -> bytes:
    """Return a multi-frame DICOM file of float `frames` (n, H, W) in [0, 1]."""
    return dicom12(frames, NumberOfFrames=len(frames), **attributes)


def dicom_jpeg(pixels: np.ndarray, **attributes: object) -> bytes:
    """Return a DICOM file whose frame is a baseline JPEG, 8 bit."""
    return dicom(eight_bit(pixels), syntax=JPEGBaseline8Bit, encoded=[jpeg(pixels)], **attributes)


def item(**attributes: object) -> Dataset:
    """Return an item for a DICOM sequence; a list of items as a value becomes a sequence."""
    dataset = Dataset()
    for name, value in attributes.items():
        setattr(dataset, name, Items(value) if isinstance(value, list) and isinstance(value[0], Dataset) else value)
    return dataset


def nifti(
    values: np.ndarray,
    affine: np.ndarray | None = None,
    *,
    kind: type[nibabel.Nifti1Image] = nibabel.Nifti1Image,
    change: Callable[[nibabel.Nifti1Header], None] = lambda header: None,
) -> bytes:
    """Return a .nii of `values` (x, y, z) in their own type; `change` edits the header last.

    nibabel writes no header that it would not read, so the edited one is put in front of the voxels.
    """
    image = kind(values, np.eye(4) if affine is None else affine, dtype=values.dtype)
    data = image.to_bytes()
    header = image.header
    header["vox_offset"] = len(data) - values.nbytes
    header["magic"] = b"n+2" if kind is nibabel.Nifti2Image else b"n+1"
    change(header)
    return header.binaryblock + data[len(header.binaryblock) :]


def nifti_gz(values: np.ndarray, affine: np.ndarray | None = None) -> bytes:
    return gzip.compress(nifti(values, affine), 1)


def mgh(values: np.ndarray, affine: np.ndarray | None = None) -> bytes:
    """Return a .mgh of `values` (x, y, z) or (x, y, z, n): uint8, int16, uint16, int32 or float32."""
    return nibabel.MGHImage(values, np.eye(4) if affine is None else affine).to_bytes()


def nrrd(values: np.ndarray, affine: np.ndarray | None = None, **fields: object) -> bytes:
    """Return a .nrrd of `values`, the fastest axis first, whose `affine` is to the right, front and head.

    `fields` of the header, with _ for a space, come last; None leaves one out.
    """
    affine = np.eye(4) if affine is None else affine
    header = {
        "encoding": "raw",
        "space": "right-anterior-superior",
        "space directions": affine[:3, :3].T,
        "space origin": affine[:3, 3],
        "kinds": ["domain"] * 3,
    }
    header |= {name.replace("_", " "): field for name, field in fields.items()}
    stream = io.BytesIO()
    pynrrd.write(stream, values, {name: field for name, field in header.items() if field is not None})
    return stream.getvalue()


def figshare_mat(values: np.ndarray, name: str = "cjdata/image") -> bytes:
    """Return a MATLAB v7.3 file that holds `values` (H, W), as MATLAB does: column by column, behind 512 bytes."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", userblock_size=512) as file:
        file[name] = values.T
    return b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(512) + stream.getvalue()[512:]


def analyze(values: np.ndarray) -> tuple[bytes, bytes]:
    """Return the .hdr and the .img of an Analyze 7.5 pair of `values` (x, y, z)."""
    image = nibabel.AnalyzeImage(values, np.diag([-1, 1, 1, 1]), dtype=values.dtype)
    image.file_map = {part: nibabel.FileHolder(fileobj=io.BytesIO()) for part in ("header", "image")}
    image.to_file_map()
    return image.file_map["header"].fileobj.getvalue(), image.file_map["image"].fileobj.getvalue()


def nifti_pair(values: np.ndarray, affine: np.ndarray | None = None, *, second: bool = False) -> tuple[bytes, bytes]:
    """Return the .hdr and the .img of a NIfTI-1 pair of `values` (x, y, z), of a NIfTI-2 pair where `second`."""
    kind = nibabel.Nifti2Pair if second else nibabel.Nifti1Pair
    image = kind(values, np.eye(4) if affine is None else affine, dtype=values.dtype)
    image.file_map = {part: nibabel.FileHolder(fileobj=io.BytesIO()) for part in ("header", "image")}
    image.to_file_map()
    return image.file_map["header"].fileobj.getvalue(), image.file_map["image"].fileobj.getvalue()
