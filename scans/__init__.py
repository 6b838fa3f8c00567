"""Reading scans, finding the head, fitting a scan to a model and mapping a heatmap back."""

from scans.archive import dicom_file, is_zip, packed_within, unpacked
from scans.file_names import display_name, printable
from scans.file_types import is_dicom, is_pair_header, is_volume
from scans.fit import InputSpec, Placement, as_input, fit, resize
from scans.head import Box, find_head
from scans.pairs import joined, pair_names
from scans.phantom import KINDS as PHANTOM_KINDS
from scans.phantom import SAMPLES as PHANTOM_SAMPLES
from scans.phantom import Phantom, phantom
from scans.read import ACCEPTED, read
from scans.scan import (
    BLANK_SLICE,
    HIDDEN_SLICE,
    MAX_BYTES,
    MAX_FILES,
    MAX_TOGETHER,
    PLANES,
    SHEET,
    Scan,
    ScanError,
    slice_key,
)
from scans.series import in_series
from scans.study import read_files

__all__ = [
    "ACCEPTED",
    "BLANK_SLICE",
    "HIDDEN_SLICE",
    "MAX_BYTES",
    "MAX_FILES",
    "MAX_TOGETHER",
    "PHANTOM_KINDS",
    "PHANTOM_SAMPLES",
    "PLANES",
    "SHEET",
    "Box",
    "InputSpec",
    "Phantom",
    "Placement",
    "Scan",
    "ScanError",
    "as_input",
    "dicom_file",
    "display_name",
    "find_head",
    "fit",
    "in_series",
    "is_dicom",
    "is_zip",
    "is_pair_header",
    "is_volume",
    "joined",
    "pair_names",
    "packed_within",
    "phantom",
    "printable",
    "read",
    "read_files",
    "resize",
    "slice_key",
    "unpacked",
]
