"""Zip archives of a study: their files, unpacked within bounds.

Nothing is written to disk, and the name of a member is a label: it is never used as a path. An archive within the
archive stays packed. Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from time import monotonic

from scans.file_types import is_dicom
from scans.pairs import is_part, joined, pair_names
from scans.scan import MAX_BYTES, MAX_FILES, MAX_TOGETHER, MAX_VOXELS, Scan, ScanError
from scans.series import in_series

_FILE = b"PK\x03\x04"  # before each file
_END, _END_BYTES = b"PK\x05\x06", 22  # of the record at the end of an archive, which a comment may follow
_ZIP64, _ZIP64_BYTES = b"PK\x06\x07", 20  # before that record: where another one says what counts instead
_LONGEST_COMMENT = 65_535
_MAX_DIRECTORY = 1_000 * MAX_FILES  # bytes of the list of members: 46 for each and its name
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = "This ZIP archive is damaged or cut short; send it again, or unpack it and send the scans that are in it."
_SECONDS, _SECONDS_EACH = 6, 0.2  # on the clock: for the whole, and more for each file that has been read
_NAMED = 5  # other stacks of an archive, in a note
_SYSTEM_FILES = ("thumbs.db", "desktop.ini", "dicomdir", "lockfile", "version")


def is_zip(data: bytes) -> bool:
    """Return whether a file begins as a ZIP archive does."""
    return data.startswith((_FILE, _END))


def unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each file in an archive, those that only an operating system needs left out.

    An archive in it is yielded as it is: `packed_within` is the sentence about those.

    Raises ScanError, also on the way, where the archive is damaged, encrypted, packed in a rare way, or holds more
    than MAX_FILES files, MAX_BYTES in one, MAX_TOGETHER in all. No more than that is ever unpacked.
    """
    _check_directory(data)
    together = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [
                info
                for info in archive.infolist()
                if not info.filename.endswith("/") and not _of_a_system(info.filename)
            ]
            if not members:
                raise ScanError("This ZIP archive holds no files; send the scans themselves.")
            if len(members) > MAX_FILES:
                raise ScanError(_too_much(f"{len(members)} files"))
            if sum(info.file_size for info in members) > MAX_TOGETHER:
                raise ScanError(_too_much(f"more than {MAX_TOGETHER / 1e6:.0f} MB"))
            for info in members:
                if info.flag_bits & 1:
                    raise ScanError("This ZIP archive is encrypted; unpack it and send the scans that are in it.")
                if info.compress_type not in _METHODS:
                    raise ScanError(
                        "This ZIP archive is packed in a way that Candor does not unpack; unpack it and send the scans."
                    )
                room = min(MAX_BYTES, MAX_TOGETHER - together)
                if info.file_size > room:
                    raise ScanError(_too_much(f"more than {room / 1e6:.0f} MB"))
                with archive.open(info) as member:
                    content = member.read(room + 1)  # the size in the directory may be a lie
                if len(content) > room:
                    raise ScanError(_too_much(f"more than {room / 1e6:.0f} MB"))
                together += len(content)
                yield info.filename, content
    except ScanError:
        raise
    except Exception:  # zipfile fails in a dozen ways over a broken archive
        raise ScanError(_DAMAGED) from None


def packed_within(count: int) -> str:
    """Return the sentence about archives within an archive."""
    what = "1 archive within this ZIP archive stays" if count == 1 else f"{count} archives within this ZIP archive stay"
    return f"{what} packed; unpack it, and send {'that' if count == 1 else 'each'} by itself."


def read_archive(data: bytes, digest: str, stack: str, read_member: Callable[[bytes], list[Scan]]) -> list[Scan]:
    """Return the slices of one stack of the study in an archive, as if it were one file; `stack` "" is the first.

    The first is the one with the most slices. `read_member` reads one file, or the two of a pair (.hdr, .img) as one.
    Raises ScanError.
    """
    files, sentences, inner, count = [], [], 0, 0

    def found(parts: tuple[bytes, ...]) -> list[Scan] | ScanError | None:
        nonlocal count
        count += len(parts)
        if is_zip(parts[0]):
            return None
        try:
            return read_member(joined(*parts) if len(parts) == 2 else parts[0])
        except ScanError as error:
            return error

    for result in _in_time(found, _with_pairs(unpacked(data))):
        if result is None:
            inner += 1
        elif isinstance(result, ScanError):
            sentences.append(str(result))
        else:
            files.append(result)
    if inner:
        sentences.append(packed_within(inner))
    if not files:
        raise ScanError(
            f"This ZIP archive holds {count} {'file' if count == 1 else 'files'} and no scan; the first: "
            f"{_within(sentences[0])}"
        )
    ordered = sorted(in_series(files), key=len, reverse=True)
    stacks = dict(zip(_names(ordered), ordered, strict=True))
    if stack and stack not in stacks:
        raise ScanError(f"This archive has no stack {stack[:80]!r}; it has {', '.join(stacks)}.")
    name = stack or next(iter(stacks))
    notes = ()
    if len(stacks) > 1:
        others = [each for each in stacks if each != name]
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        notes += (
            f"This archive holds {len(stacks)} stacks; this is {name}. The others: {', '.join(others[:_NAMED])}{more}.",
        )
    if sentences:
        notes += (f"{len(sentences)} of the files in this archive give no scan; the first: {_within(sentences[0])}",)
    names = tuple(stacks) if len(stacks) > 1 else ()
    return [
        replace(
            scan,
            digest=digest,
            member=scan.digest,
            index=index,
            count=len(stacks[name]),
            stack=name if names else scan.stack,
            stacks=names,
            notes=notes + scan.notes,
        )
        for index, scan in enumerate(stacks[name])
    ]


def dicom_file(scan: Scan, data: bytes) -> bytes | None:
    """Return the DICOM file that a scan was read from; None where it was another kind of file.

    `data` is that file, or the archive with it.
    """
    if is_zip(data) and not is_dicom(data):  # the preamble of a DICOM file may hold anything
        data = next((content for _, content in unpacked(data) if sha256(content).hexdigest() == scan.member), b"")
    return data if is_dicom(data) else None


def _with_pairs(members: Iterator[tuple[str, bytes]]) -> Iterator[tuple[bytes, ...]]:
    """Yield each file, and a header and its voxels (.hdr, .img) together, once both are there."""
    waiting: dict[str, bytes] = {}
    for name, data in members:
        if not is_part(name, data):
            yield (data,)
            continue
        if name in waiting:
            yield (waiting.pop(name),)
        waiting[name] = data
        for header, voxels in pair_names(list(waiting)):
            yield waiting.pop(header), waiting.pop(voxels)
    yield from ((data,) for data in waiting.values())


def _in_time(read_one: Callable, members: Iterator) -> Iterator[list[Scan] | ScanError | None]:
    """Yield what `read_one` makes of each member, one by one. Raises ScanError where they take too long or too much.

    Many files are allowed their time; a few that take long each are not.
    """
    started, voxels = monotonic(), 0
    pool = ThreadPoolExecutor(1)  # one at a time: each may take 800 MB
    try:
        for done, member in enumerate(members):
            left = _SECONDS + _SECONDS_EACH * done - (monotonic() - started)
            try:
                result = pool.submit(read_one, member).result(max(0.1, left))
            except TimeoutError:
                raise ScanError(
                    f"Reading this ZIP archive takes longer than the {_SECONDS} s that are granted; unpack it and send "
                    "one series of it."
                ) from None
            voxels += sum(scan.pixels.size for scan in result) if isinstance(result, list) else 0
            if voxels > MAX_VOXELS:
                raise ScanError(
                    f"This ZIP archive holds more than {MAX_VOXELS / 1e6:.0f} million voxels, the most that are read "
                    "at once; send one series of it."
                )
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _within(sentence: str) -> str:
    """Return a sentence as it stands behind a colon."""
    return sentence[0].lower() + sentence[1:]


def _names(stacks: list[list[Scan]]) -> list[str]:
    """Return a name for each stack of an archive: its number, slices, plane and contrast."""
    named = []
    for number, scans in enumerate(stacks, 1):
        first = scans[0]
        slices = f"{len(scans)} {first.plane} slices" if len(scans) > 1 else f"1 {first.plane} slice"
        named.append(", ".join(filter(None, (f"{number}: {slices.replace('  ', ' ')}", first.stack))))
    return named


def _check_directory(data: bytes) -> None:
    """Raise ScanError where the list of members is too long to be read, or missing: reading it comes before all."""
    at = data.rfind(_END, max(0, len(data) - _END_BYTES - _LONGEST_COMMENT))
    if at < 0 or at + _END_BYTES > len(data):
        raise ScanError(_DAMAGED)
    if data[max(0, at - _ZIP64_BYTES) : at].startswith(_ZIP64):
        raise ScanError(
            "This ZIP archive has the form of those beyond 4 GB or 65,535 files (ZIP64); pack one study or one series "
            "of it as an ordinary ZIP archive, or send the scans themselves."
        )
    entries, size = struct.unpack_from("<HI", data, at + 10)
    if entries == 0xFFFF or size > _MAX_DIRECTORY:
        raise ScanError(_too_much(f"more than {MAX_FILES} files"))


def _too_much(what: str) -> str:
    return (
        f"This ZIP archive holds {what}; at most {MAX_FILES} files of {MAX_BYTES / 1e6:.0f} MB each and "
        f"{MAX_TOGETHER / 1e6:.0f} MB together are unpacked, so send one study or one series of it."
    )


def _of_a_system(name: str) -> bool:
    """Return whether a member is a folder, or a file that only an operating system or a viewer needs."""
    parts = name.replace("\\", "/").split("/")
    return not parts[-1] or "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1].lower() in _SYSTEM_FILES
