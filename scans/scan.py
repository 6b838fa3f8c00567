"""A scan: one 2-D slice with its pixels in [0, 1] and only facts that identify nobody."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PLANES = ("axial", "coronal", "sagittal")

MAX_BYTES = 50_000_000  # of a file
MAX_FILES = 512  # of a study
MAX_TOGETHER = 300_000_000  # bytes of all files of a study
MIN_SIDE = 32  # pixels: below this no head can be told from noise
MAX_PIXELS = 25_000_000  # one slice; a 5000 x 5000 mammogram fits, a decompression bomb does not
MAX_VOXELS = 60_000_000  # all slices of a file; 512 x 512 x 200 fits, and takes 0.24 GB

BLANK_SLICE = "This slice is blank (every pixel has the same value); choose another slice."
HIDDEN_SLICE = (
    "Hardly anything can be seen of this slice, whose grey values span less than 4 % from black to white; choose "
    "another slice, or export the file with another window."
)
SHEET = (
    "This picture seems to show several heads, as a mosaic, a montage, a film or a screenshot with panels does; "
    "nothing is predicted from it, so send the slices one by one."
)
TEXT = "Text seems to be drawn into this picture; it may name the patient or mislead a model."
_VISIBLE = 0.04  # of the range from black to white that the values of a slice must span


def slice_key(digest: str, stack: str, plane: str, index: int, grey_range: tuple[float, float]) -> str:
    """Return `Scan.key` of a slice of which only these facts are known."""
    black, white = grey_range
    return f"{digest}:{stack}:{plane}:{index}:{black:.7g}..{white:.7g}"


class ScanError(ValueError):
    """A file that cannot be read as a scan; its one sentence says what is wrong, what is accepted, what to do."""


@dataclass(frozen=True)
class Scan:
    """One slice as it was uploaded. A volume is a list of scans of one file, in order.

    `pixels` is float32 (H, W), read-only, 0 and 1 being the darkest and brightest value stored in the
    file (`span`, in the file's own unit). `window` is the part of [0, 1] that the file asks to be shown,
    and that a model is given; 8-bit pictures ask for all of it.
    """

    pixels: np.ndarray
    digest: str  # sha256 of the file's bytes, hexadecimal
    index: int = 0  # which slice of the file, from 0
    count: int = 1  # how many slices the file has
    plane: str = ""  # one of PLANES, or "" where the file does not say
    spacing: tuple[float, float] = (1.0, 1.0)  # between rows and between columns; 1, 1 if unknown
    apart: float = 0.0  # from one slice of its volume to the next, in the unit of `spacing`; 0 if the file does not say
    in_mm: bool = False  # the file gives the size of a pixel, and not just its shape
    span: tuple[float, float] = (0.0, 255.0)  # stored values that became 0 and 1
    window: tuple[float, float] = (0.0, 1.0)
    own_window: bool = False  # the file decides `window`, not its values
    modality: str = ""  # "MR" where the file says so
    sequence: str = ""  # "T1C+", "T2" ... where the file or its folder says so
    edges: tuple[str, str, str, str] = ("", "", "", "")  # patient side at left, right, top, bottom: R L A P S I
    frame: int = 0  # which frame of a DICOM file, from 0; -1 for a part of one
    stack: str = ""  # what tells its stack from others of the file or series: "magnitude, TE 20 ms"
    stacks: tuple[str, ...] = ()  # the names of all stacks of its file, where there are several
    member: str = ""  # sha256 of its own file, hexadecimal, where `digest` is that of a ZIP archive around it; else ""
    series: str = ""  # sha256 of what names the series the file is part of, or "" where the file does not say
    acquired: tuple[int, int] = (0, 0)  # number of its acquisition and of its instance in the series
    directions: tuple[float, ...] = ()  # of a row and of a column in the patient: x, y, z each; () if unknown
    corner: tuple[float, ...] = ()  # x, y, z of its first pixel in the patient, mm; () if unknown
    position: float | None = None  # mm upwards, forwards or to the right (axial, coronal, sagittal); None if unknown
    withheld: str = ""  # the sentence on why nothing is to be predicted from it, as the file says, or ""
    notes: tuple[str, ...] = ()  # for the user: "not an MR scan", "burned-in annotation"

    def __post_init__(self) -> None:
        pixels = np.ascontiguousarray(self.pixels, dtype=np.float32)
        if pixels.ndim != 2:
            raise ValueError(f"a scan is one slice (H, W); these pixels have shape {pixels.shape}")
        if pixels is self.pixels:
            pixels = pixels.view()
        pixels.flags.writeable = False
        object.__setattr__(self, "pixels", pixels)

    @property
    def key(self) -> str:
        """What tells this slice from all others: the digest of its file, its stack, plane and index, its grey range.

        The grey range, the stored values that become black and white, is part of it: a file read beside others of its
        series may be given another one.

        >>> Scan(np.zeros((64, 64)), "5f3a", index=7, plane="axial").key
        '5f3a::axial:7:0..255'
        """
        return slice_key(self.digest, self.stack, self.plane, self.index, self.grey_range)

    @property
    def grey_range(self) -> tuple[float, float]:
        """The stored values that become black and white."""
        low, high = self.span
        return tuple(low + edge * (high - low) for edge in self.window)

    @cached_property
    def pixels_sha256(self) -> str:
        """The sha256 of the pixels, 64 hexadecimal digits: of every one of them, computed once."""
        return hashlib.sha256(self.pixels).hexdigest()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape

    @property
    def blank(self) -> bool:
        """True where every pixel has the same value, as in the outermost slices of a volume."""
        return float(self.pixels.min()) == float(self.pixels.max())

    @cached_property
    def not_assessable(self) -> str:
        """The sentence on why nothing is predicted (blank, hidden by its window, no picture of one head), else ""."""
        if self.blank or self.withheld:
            return BLANK_SLICE if self.blank else self.withheld
        visible = self.windowed()
        if _hidden(visible):
            return HIDDEN_SLICE
        from scans.sheets import sheet  # here: the sandbox starts without OpenCV

        return SHEET if sheet(visible) else ""

    @cached_property
    def all_notes(self) -> tuple[str, ...]:
        """`notes`, and one where text seems to be drawn into a picture that comes alone."""
        from scans.sheets import burned_in_text

        return self.notes + ((TEXT,) if self.count == 1 and not self.blank and burned_in_text(self.windowed()) else ())

    def windowed(self, window: tuple[float, float] | None = None) -> np.ndarray:
        """Return float32 (H, W) in [0, 1]: the pixels with `window` (default: the file's own) stretched."""
        low, high = self.window if window is None else window
        return np.clip((self.pixels - low) / max(high - low, 1e-6), 0.0, 1.0).astype(np.float32)


def _hidden(visible: np.ndarray) -> bool:
    """Return whether the 0.5th and the 99.5th percentile of the values (H, W) are closer than `_VISIBLE`."""
    # Most slices have both dark and bright pixels, and counting them takes a fortieth of the time of sorting.
    few = visible.size // 200 + 1
    if np.count_nonzero(visible < 0.25) > few and np.count_nonzero(visible > 0.25 + 2 * _VISIBLE) > few:
        return False
    dark, bright = np.percentile(visible, [0.5, 99.5])
    return bool(bright - dark < _VISIBLE)
