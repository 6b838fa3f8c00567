"""Reading scans, finding the head, fitting a scan to a model and mapping a heatmap back."""

from scans.fit import InputSpec, Placement, fit, resize
from scans.head import Box, find_head
from scans.read import ACCEPTED, EXTENSIONS, MAX_BYTES, read
from scans.scan import PLANES, Scan, ScanError

__all__ = [
    "ACCEPTED",
    "EXTENSIONS",
    "MAX_BYTES",
    "PLANES",
    "Box",
    "InputSpec",
    "Placement",
    "Scan",
    "ScanError",
    "find_head",
    "fit",
    "read",
    "resize",
]
