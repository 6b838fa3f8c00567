"""What is asked of a PACS: series by an exact number, the files of one series, and room for results.

Of what the PACS knows of a series only what tells it from the others of its study is kept, never the patient's name. A
fetched file is bytes like those of any upload, and is decoded in the sandbox.
"""

import io
import re
from collections.abc import Callable, Sequence

from dicomweb_client.uri import URI
from pydicom import Dataset, dcmread

from dicomweb.connection import connected
from dicomweb.series import Series
from dicomweb.server import ADDRESS, PacsError, Server
from scans import MAX_BYTES, MAX_FILES, MAX_TOGETHER, is_dicom

MAX_SERIES = 500  # that a search may find, with or without images
_LIST_BYTES = 5_000_000  # of an answer to a search
_BEGINNING = 100_000  # bytes that tell DICOM from anything else
_OVERHEAD = 2_000  # bytes around each file of an answer
_NO_PICTURES = ("SR", "PR", "KO", "SEG", "DOC", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "AU", "ECG")
MAKER = "Candor"  # the manufacturer in all that is sent
_UID = r"[0-9]+(\.[0-9]+)+"
_TAGS = {
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "StudyDate": "00080020",
    "Modality": "00080060",
    "SeriesNumber": "00200011",
    "SeriesDescription": "0008103E",
    "NumberOfSeriesRelatedInstances": "00201209",
}


def find_series(server: Server, *, study: str = "", accession: str = "", patient: str = "") -> list[Series]:
    """Return the series of images of a study, an accession number or a patient ID, by date and number.

    One of the three is given, whole: nothing is searched with wildcards. Raises PacsError, also where nothing is found.
    """
    given = {"StudyInstanceUID": study, "AccessionNumber": accession, "PatientID": patient}
    filters = {name: value.strip() for name, value in given.items() if value.strip()}
    if len(filters) != 1 or re.search(r"[*?\\\x00-\x1f]", *filters.values()):
        raise PacsError("Give one whole study UID, accession number or patient ID; * and ? are not accepted.")
    if study and not _is_uid(filters["StudyInstanceUID"]):
        raise PacsError("This is no study UID: those are numbers with dots, at most 64 characters.")
    with connected(server, _LIST_BYTES) as client:
        answer = client.search_for_series(search_filters=filters, fields=list(_TAGS), limit=MAX_SERIES + 1)
        found = [_series(entry) for entry in answer]
    if len(found) > MAX_SERIES:  # some would be missing without a word
        raise PacsError(
            f"{server.name} has more than {MAX_SERIES} series under this number, and no more are listed; search by an "
            "accession number or a study UID."
        )
    found = [each for each in found if each and each.modality not in _NO_PICTURES]
    if not found:
        raise PacsError(f"{server.name} has no series of images under this number; check it.")
    return sorted(found, key=lambda each: (each.date, each.study, each.number.zfill(12)))


def fetch_series(
    server: Server,
    series: Series,
    progress: Callable[[float], object] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[bytes]:
    """Return the files of a series, as stored: at most MAX_FILES, of MAX_BYTES each and MAX_TOGETHER together.

    `progress` gets a share in [0, 1]. Raises PacsError, also on the way, as soon as there is more, and soon
    after `cancelled()` is True.
    """
    if series.images > MAX_FILES:
        raise PacsError(_too_many(f"{series.images} images"))
    files: list[bytes] = []
    with connected(server, MAX_TOGETHER + _OVERHEAD * MAX_FILES, files=True, cancelled=cancelled) as client:
        for data in client.iter_bulkdata(str(URI(server.address, series.study, series.uid))):
            if len(files) == MAX_FILES:
                raise PacsError(_too_many(f"more than {MAX_FILES} images"))
            if len(data) > MAX_BYTES:
                raise PacsError(
                    f"A file of this series has {len(data) / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are "
                    "accepted, so choose another series."
                )
            if not is_dicom(bytes(data[:_BEGINNING])):
                raise PacsError(f"{server.name} sends something else than DICOM files; check {ADDRESS}.")
            files.append(bytes(data))
            progress(min(1.0, len(files) / max(1, series.images)))
    if not files:
        raise PacsError(f"{server.name} sends no file of this series; try again later.")
    if series.images > len(files):
        raise PacsError(f"{server.name} sent {len(files)} of {series.images} images and broke off; try again.")
    return files


def send(server: Server, files: Sequence[bytes]) -> int:
    """Send DICOM files that Candor made, and return how many the PACS took, which is all of them.

    Raises PacsError where it took fewer, and before anything is sent where one of the files was not made by Candor.
    """
    datasets = [_result(data) for data in files]
    with connected(server, _LIST_BYTES) as client:
        answer = client.store_instances(datasets)
        stored = {str(item.ReferencedSOPInstanceUID) for item in _items(answer, "ReferencedSOPSequence")}
        failed = len(_items(answer, "FailedSOPSequence"))
    missing = [each for each in datasets if str(each.SOPInstanceUID) not in stored]
    if failed or missing:
        raise PacsError(
            f"{server.name} took {len(datasets) - len(missing)} of {len(datasets)} results; ask its administrator why."
        )
    return len(datasets)


def _result(data: bytes) -> Dataset:
    """Return a file of Candor's as a dataset: no other is sent, least of all a patient's images by mistake."""
    try:
        dataset = dcmread(io.BytesIO(data))
        if dataset.Manufacturer == MAKER and dataset.SOPInstanceUID and dataset.StudyInstanceUID:
            return dataset
    except Exception:  # pydicom's words may quote the patient
        pass
    raise PacsError("One of these files was not made by Candor, so nothing was sent; give results only.")


def _series(entry: dict) -> Series | None:
    """Return one series of an answer, None where it cannot be fetched by what the answer says."""
    facts = {name: _text(entry, tag) for name, tag in _TAGS.items()}
    if not _is_uid(facts["StudyInstanceUID"]) or not _is_uid(facts["SeriesInstanceUID"]):
        return None
    images = facts["NumberOfSeriesRelatedInstances"]
    return Series(
        facts["StudyInstanceUID"],
        facts["SeriesInstanceUID"],
        facts["StudyDate"],
        facts["Modality"].upper()[:16],
        facts["SeriesNumber"][:12],
        facts["SeriesDescription"][:64],
        int(images) if images.isdecimal() and len(images) < 10 else 0,
    )


def _text(entry: dict, tag: str) -> str:
    values = entry.get(tag, {}).get("Value") or [""]
    return re.sub(r"[\x00-\x1f\x7f]", " ", str(values[0])).strip()


def _is_uid(text: str) -> bool:
    return len(text) <= 64 and bool(re.fullmatch(_UID, text))


def _items(answer: Dataset, keyword: str) -> Sequence[Dataset]:
    return answer.get(keyword) or []


def _too_many(what: str) -> str:
    return f"This series has {what}; at most {MAX_FILES} are fetched at a time, so choose a smaller series."
