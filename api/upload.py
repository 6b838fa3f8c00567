"""Forms with files, taken into memory as they come and never to disk.

Starlette's own reader puts a file of more than a megabyte on the disk, and reads on where a file is too large.
"""

import asyncio
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from api.limits import Limits
from api.problems import SOON, Problem
from scans import ScanError, is_pair_header, joined
from scans.read import too_large

FORM, FILE = "multipart/form-data", "file"
PAIR = 2  # files that are one scan: header and voxels

_BESIDE = 262_144  # bytes of a form that belong to no file
_CUT_SHORT = "The form ends before its last boundary; send it again, whole."
_BROKEN = "The form cannot be read; send multipart/form-data, with the scan as the field “file”."
_NO_FILE = "The form holds no file; send the scan as the field “file” of multipart/form-data."


@dataclass
class Form:
    """What a client sent: the bytes of each file, and the values of each field, in their order."""

    files: list[bytes] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)

    def data(self) -> bytes:
        """Return the one file, or the two of an Analyze or NIfTI pair as one. Raises Problem and ScanError."""
        first, *others = self.each()
        if not others:
            return first
        (second,) = others
        if is_pair_header(first) == is_pair_header(second):
            raise ScanError(
                "Two files make a scan only as a .hdr and its .img; pack a series into one ZIP archive, or send scans "
                "that are not one series to /predict/files."
            )
        return joined(first, second) if is_pair_header(first) else joined(second, first)

    def each(self) -> list[bytes]:
        """Return the files, at least one. Raises Problem."""
        if not self.files:
            raise Problem(422, _NO_FILE)
        return self.files


class Held:
    """The bytes of all uploads that are in memory and not read yet, at most `most`."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes, self._lock = most, 0, Lock()

    @contextmanager
    def share(self):
        """Give a function that adds bytes to those held, and take them off at the end. It raises Problem (503)."""
        mine = 0

        def add(count: int) -> None:
            nonlocal mine
            with self._lock:
                if self.bytes + count > self.most:
                    raise Problem(
                        503,
                        f"The uploads of all clients take {self.most / 1e6:.0f} MB, as much as this server holds at a "
                        "time; try again in some seconds.",
                        retry_after=SOON,
                    )
                self.bytes += count
                mine += count

        try:
            yield add
        finally:
            with self._lock:
                self.bytes -= mine


async def read_form(request: Request, limits: Limits, add: Callable[[int], None], *, several: bool = False) -> Form:
    """Return the form that a request brings; `add` is told of every byte before it is kept.

    `several`: its files are scans of their own, up to `limits.files`; else they are one scan. Raises Problem: 415 on
    anything but a form, 413 on a file over the limit, of which no more is read, 422 on a broken form, 408 where the
    bytes come too slowly. Raises ClientDisconnect where the client has gone.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != FORM.encode() or not options.get(b"boundary"):
        raise Problem(415, f"The body is no {FORM}; send the scan as the field “{FILE}” of such a form.")
    length = int(request.headers.get("content-length") or 0)
    try:
        parts = _Parts(options[b"boundary"], limits, length, add, several)
        async with asyncio.timeout(limits.upload_seconds):
            while True:
                async with asyncio.timeout(limits.idle_seconds):
                    message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.take(message.get("body", b""))
                if not message.get("more_body"):
                    return parts.form()
    except TimeoutError:
        raise Problem(
            408,
            f"The upload comes too slowly: {limits.idle_seconds:g} s without a byte, or {limits.upload_seconds:g} s in "
            "all, end it; send it again.",
            headers={"Connection": "close"},
        ) from None
    except FormParserError:
        raise Problem(422, _BROKEN) from None


class _Parts:
    """The parts of a form, as a parser finds them."""

    def __init__(self, boundary: bytes, limits: Limits, length: int, add: Callable[[int], None], several: bool) -> None:
        self.limits, self.length, self.add, self.several = limits, length, add, several
        self._require_room(length - _BESIDE)
        self.tail = len(boundary) + 8  # of the last boundary: line ends and dashes
        self.body, self.ended, self.count = b"", False, 0
        self.taken, self.kept = 0, 0  # bytes before `body`, and bytes of files
        self.files: list[bytearray] = []
        self.fields: list[tuple[str, bytearray]] = []
        self.content, self.whole, self.is_file = bytearray(), 0, False  # of the part that is being read
        self.header, self.value, self.name = b"", b"", ""
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._head(data[start:end], b""),
                "on_header_value": lambda data, start, end: self._head(b"", data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def take(self, body: bytes) -> None:
        """Parse some bytes. Raises Problem and FormParserError."""
        self.body = body
        if body and not self.ended:
            self.parser.write(body)
        self.taken += len(body)
        if self.taken - self.kept > _BESIDE:
            raise Problem(413, f"The form has more than {_BESIDE:,} bytes beside its files; leave some out.")

    def form(self) -> Form:
        """Return the form. Raises Problem where it is cut short, or a field is no text."""
        if not self.ended:
            raise Problem(422, _CUT_SHORT)
        form = Form()
        self.files.reverse()
        while self.files:  # one by one, so that all are never there twice
            form.files.append(bytes(self.files.pop()))
        for name, content in self.fields:
            try:
                form.fields.setdefault(name, []).append(content.decode())
            except UnicodeDecodeError:
                raise Problem(422, _BROKEN) from None
        return form

    def _begin(self) -> None:
        self.count += 1
        if self.count - len(self.files) > self.limits.parts:
            raise Problem(413, f"The form has more than {self.limits.parts} parts beside its files; leave some out.")
        self.header, self.value, self.name = b"", b"", ""
        self.content, self.whole, self.is_file = bytearray(), 0, False

    def _head(self, header: bytes, value: bytes) -> None:
        self.header += header
        self.value += value

    def _header_end(self) -> None:
        if self.header.lower() == b"content-disposition":
            _, options = parse_options_header(self.value.decode("latin-1"))
            self.name = options.get(b"name", b"").decode("latin-1")
        self.header, self.value = b"", b""

    def _headers_finished(self) -> None:
        self.is_file = self.name == FILE  # by the field: the name of the file is not looked at
        if not self.is_file:
            self.fields.append((self.name, self.content))
            return
        if self.several and len(self.files) == self.limits.files:
            raise Problem(
                413, f"The form holds more than {self.limits.files} files; send the others in another request."
            )
        if not self.several and len(self.files) == PAIR:
            raise Problem(413, "The form holds more than two files; pack a series into one ZIP archive, and send that.")
        self.files.append(self.content)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self.is_file and not self.several and data is self.body and not self.content and self.length:
            self.whole = self.length - self.taken - start - self.tail  # what is left of the body, but its last boundary
        size, most = len(self.content) + end - start, self.limits.file_bytes
        if self.is_file and (size > most or self.whole > most + _BESIDE):
            raise Problem(413, too_large(max(self.whole, most), more=not self.whole))
        if not self.is_file and size > self.limits.field_bytes:
            raise Problem(413, f"A field of the form has more than {self.limits.field_bytes} bytes; shorten it.")
        if self.is_file:
            self.kept += end - start
            self._require_room(self.kept)
        self.add(end - start)
        self.content += data[start:end]  # not a list: a form may come in pieces of a byte

    def _end(self) -> None:
        self.ended = True

    def _require_room(self, size: int) -> None:
        """Raise Problem where `size` bytes are more than several files may have together."""
        if self.several and size > self.limits.files_bytes:
            most = self.limits.files_bytes / 1e6
            raise Problem(413, f"The files of this form have more than {most:g} MB together; send fewer at a time.")
