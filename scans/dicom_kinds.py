"""What a DICOM file holds: a kind of picture, or something that is no picture of a scanner at all."""

from pydicom import Dataset

from scans.dicom_facts import find
from scans.scan import ScanError

# The values of ImageType and FrameType from the third on, as standard and vendors write them, with a space for each
# "_", and what they mean. In this order: a field map is real-valued, too.
_KINDS = {
    "field map": ("FIELD MAP", "FIELDMAP", "B0", "B0 MAP"),
    "ADC map": ("ADC", "ADC MAP", "ADC UNSPECIFIED", "ADC SE", "DIFFUSION ADC", "EADC", "EADC UNSPECIFIED"),
    "FA map": ("FA", "FA MAP", "FRACTIONAL ANISOTROPY"),
    "perfusion map": (
        "CBF", "CBV", "RCBF", "RCBV", "RELCBF", "RELCBV", "RELCCBV", "MTT", "RELMTT", "TTP", "TMAX", "PERFUSION MAP",
    ),
    "parameter map": (
        "T1 MAP", "R1 MAP", "T2 MAP", "R2 MAP", "T2* MAP", "T2 STAR MAP", "T2 STAR UNSPECIF", "R2* MAP", "R2 STAR MAP",
    ),
    "localizer": ("LOCALIZER", "SCOUT"),
    "projection": ("PROJECTION IMAGE", "PROJECTION", "MIP", "MAX IP"),
    "phase": ("P", "PHASE", "PHASE MAP", "VELOCITY", "VELOCITY MAP"),
    "imaginary part": ("I", "IMAGINARY"),
    "real part": ("R", "REAL"),
    "magnitude": ("M", "M FFE", "M SE", "M IR", "M PCA", "MAGNITUDE", "FFE", "SE"),
}  # fmt: skip
_UNITS = {"Hz": "field map", "mm2/s": "ADC map", "um2/s": "ADC map", "10-6.mm2/s": "ADC map", "rad": "phase"}
PLAIN = ("magnitude", "")  # what a model knows; "" is a file that does not say

# What is stored as DICOM and shows no slice of a patient: the beginning of its SOP class (PS3.4 B.5), the modality it
# goes by, what it is, and what to send instead.
_CLASS = "1.2.840.10008.5.1.4.1.1."
_OTHERS = (
    ("1.2.840.10008.1.3.10", "", "an index of a disc (DICOMDIR)", "send the files that it lists"),
    (_CLASS + "88.59", "KO", "a list of key images", "send the images that it points to"),
    (_CLASS + "88", "SR", "a structured report (SR)", "send the images that it is about"),
    (_CLASS + "66.4", "SEG", "a segmentation (SEG)", "send the images that were segmented"),
    (_CLASS + "66.5", "", "a segmentation of surfaces", "send the images that were segmented"),
    (_CLASS + "66.6", "", "a set of fibre tracks (tractography)", "send the images that the tracks were computed from"),
    (_CLASS + "66.7", "", "a segmentation (label map)", "send the images that were segmented"),
    (_CLASS + "66", "REG", "raw data or a registration", "send the images that were made from it"),
    (_CLASS + "67", "", "a table of real-world values", "send the images that it is about"),
    (_CLASS + "481.2", "RTDOSE", "a radiotherapy dose (RTDOSE)", "send the MR images that the plan was made on"),
    (_CLASS + "481.3", "RTSTRUCT", "a set of contours (RTSTRUCT)", "send the MR images that were contoured"),
    (_CLASS + "481.5", "RTPLAN", "a radiotherapy plan (RTPLAN)", "send the MR images that the plan was made on"),
    (_CLASS + "481", "", "a radiotherapy object", "send the MR images that the plan was made on"),
    (_CLASS + "104.1", "DOC", "a PDF document in DICOM", "send the images of the study"),
    (_CLASS + "104", "", "a document in DICOM", "send the images of the study"),
    (_CLASS + "11", "PR", "a presentation state (PR)", "send the images that it presents"),
    (_CLASS + "4.2", "", "spectroscopy (MRS)", "send the images of the study"),
    (_CLASS + "9", "ECG", "a waveform", "send the images of the study"),
    (_CLASS + "77.1.1.1", "", "a video", "send the images of the study"),
)
_ANATOMY = ("localizer", "projection", "real part")  # look like an image, and may be one
_ARTICLES = {"ADC map": "an", "FA map": "an", "imaginary part": "an"}
_SECONDARY_CAPTURE = _CLASS + "7"
_PARAMETRIC_MAP = _CLASS + "30"
_SCREEN = {"SCREEN SAVE", "SCREENSAVE", "SCREENSHOT", "SCREEN CAPTURE", "CSA REPORT", "FILMED", "PASTED"}


def refuse_other_objects(dataset: Dataset) -> None:
    """Raise ScanError where a file shows no slice of a patient, with a sentence on what it is and what to send."""
    sop_class = _sop_class(dataset)
    modality = str(dataset.get("Modality", "")).strip().upper()
    for prefix, name, what, instead in _OTHERS:
        if sop_class == prefix or sop_class.startswith(prefix + ".") or (name and not sop_class and modality == name):
            raise ScanError(f"This DICOM file is {what}, not an image; {instead}.")


def about_kind(dataset: Dataset, frame: int) -> tuple[str, ...]:
    """Return notes where a frame is not what the models know: a magnitude image, as the scanner made it."""
    words = set(_words(dataset.get("ImageType")))
    sop_class = _sop_class(dataset)
    notes = ()
    captured = sop_class == _SECONDARY_CAPTURE or sop_class.startswith(_SECONDARY_CAPTURE + ".")
    if captured or dataset.get("ConversionType") or words & _SCREEN:
        notes += (
            "This file is a secondary capture, the picture of a screen or a film: its grey values are not the "
            "scanner's, and it may hold text or several images.",
        )
    what = kind(dataset, frame)
    if what in _ANATOMY:
        notes += (f"The file says that this is a {what}; the models know plain magnitude images.",)
    return notes


def withheld(dataset: Dataset, frame: int) -> str:
    """Return the sentence on why nothing is predicted from a frame: its values are not those of an image; else ""."""
    what = kind(dataset, frame)
    if what in PLAIN or what in _ANATOMY:
        return ""
    return f"This is {_ARTICLES.get(what, 'a')} {what}; the models know magnitude images only, so nothing is predicted."


def _sop_class(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    return str(dataset.get("SOPClassUID") or (meta.get("MediaStorageSOPClassUID") if meta else "") or "").strip()


def kind(dataset: Dataset, frame: int) -> str:
    """Return what the values of a frame are, one of `_KINDS`, or "" where the file does not say."""
    group = "MRImageFrameTypeSequence"
    words = set(_words(find(dataset, frame, group, "FrameType") or dataset.get("ImageType"))[2:])
    words.update(_words(find(dataset, frame, group, "ComplexImageComponent")))
    units = find(dataset, frame, "RealWorldValueMappingSequence", "MeasurementUnitsCodeSequence") or ()
    unit = str(units[0].get("CodeValue", "")) if len(units) else ""
    found = next((name for name, said in _KINDS.items() if words.intersection(said) or _UNITS.get(unit) == name), "")
    if found in (*PLAIN, *_ANATOMY) and _sop_class(dataset) == _PARAMETRIC_MAP:
        return "parameter map"
    return found


def _words(value: object) -> list[str]:
    """Return the words of an element of one value or several, in capitals and with a space for each "_"."""
    values = [value] if isinstance(value, str) else value or ()
    return [str(word).strip().upper().replace("_", " ") for word in values]
