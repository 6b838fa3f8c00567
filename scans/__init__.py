"""Reading scans, finding the head, fitting a scan to a model and mapping a heatmap back."""

from scans.file_names import display_name
from scans.file_types import is_dicom, is_nifti
from scans.fit import InputSpec, Placement, fit, resize
from scans.head import Box, find_head
from scans.phantom import KINDS as PHANTOM_KINDS
from scans.phantom import SAMPLES as PHANTOM_SAMPLES
from scans.phantom import Phantom, phantom
from scans.read import ACCEPTED, read
from scans.scan import BLANK_SLICE, HIDDEN_SLICE, MAX_BYTES, PLANES, Scan, ScanError
from scans.series import in_series

__all__ = [
    "ACCEPTED",
    "BLANK_SLICE",
    "HIDDEN_SLICE",
    "MAX_BYTES",
    "PHANTOM_KINDS",
    "PHANTOM_SAMPLES",
    "PLANES",
    "Box",
    "InputSpec",
    "Phantom",
    "Placement",
    "Scan",
    "ScanError",
    "display_name",
    "find_head",
    "fit",
    "in_series",
    "is_dicom",
    "is_nifti",
    "phantom",
    "read",
    "resize",
]
