"""Files and folders that are written whole or not at all: a full disk or a kill leaves the old ones as they were."""

import errno
import fcntl
import io
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from socket import gethostname
from threading import get_native_id
from typing import BinaryIO

import numpy as np

# what zipfile, zlib and NumPy raise on damaged bytes: a flipped bit may ask for a password or for terabytes
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


def write_whole(path: Path, content: str | bytes | Callable[[Path], object]) -> None:
    """Write a file: a text in UTF-8, bytes, or whatever a function saves at the path that it is given."""
    # Each writer has a part of its own: two workers may make the same file. The suffix stays, Keras tells by it.
    part = path.with_name(f".part.{_machine()}-{os.getpid()}-{get_native_id()}.{path.name}")
    try:
        if callable(content):
            content(part)
        else:
            part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def remove_parts_of_the_dead(folder: Path) -> None:
    """Remove the parts in a folder and below whose process was killed on this machine, as far as its number tells."""
    for part in folder.rglob(".part.*"):
        writer = re.match(r"\.part\.([0-9a-f]{8})-(\d+)-\d+\.", part.name)
        if writer and writer[1] == _machine() and not _alive(int(writer[2])):
            part.unlink(missing_ok=True)


def _machine() -> str:
    return f"{zlib.crc32(gethostname().encode()):08x}"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True


def append_line(path: Path, line: str) -> None:
    """Append a line to a file, made where there is none: whole or not at all, and never to one that a kill cut short.

    Several processes may append to one file. Raises OSError, as on a full disk: the lines before stay.
    """
    data = line.encode("utf-8") + b"\n"
    with path.open("a+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = _end_of_whole_lines(file)
        file.truncate(end)
        try:
            while data:  # a disk that is nearly full takes a part, and refuses the rest
                data = data[file.write(data) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def _end_of_whole_lines(file: BinaryIO) -> int:
    """Return the length of a file without a last line that has no end."""
    length = file.seek(0, os.SEEK_END)
    if length == 0 or (file.seek(length - 1), file.read(1))[1] == b"\n":
        return length
    file.seek(0)
    return file.read().rfind(b"\n") + 1


def whole_lines(path: Path) -> list[str]:
    """Return the lines of a file in UTF-8, without a last one that a kill cut short; none where there is no file."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return data[: data.rfind(b"\n") + 1].decode("utf-8").split("\n")[:-1]


def read_table(path: Path) -> str:
    """Return the text of a table in UTF-8. Raises ValueError where it ends within a line, as a cut file does."""
    text = path.read_bytes().decode("utf-8")
    if text and not text.endswith("\n"):
        raise ValueError("it ends in the middle of a line")
    return text


def replace_folder(part: Path, place: Path) -> Path:
    """Move the folder `part` to `place` and return it; an old folder goes only when the new one is in its place.

    An old folder that a kill left aside is put back first. Raises OSError where `part` cannot be moved.
    """
    old = place.with_name(f".{place.name}.old")
    if old.exists() and not place.exists():
        old.replace(place)
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    try:
        part.replace(place)
    except OSError:
        if old.exists():
            old.replace(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return place


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as a packed .npz, whole or not at all: the same bytes for the same arrays.

    `np.savez_compressed` would write the date, too.
    """

    def save(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as file:
            for name, values in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy")
                member.compress_type = zipfile.ZIP_DEFLATED
                with file.open(member, "w") as stream:
                    np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)

    write_whole(path, save)


def refused_write(error: OSError, again: str = "give the same command again") -> str:
    """Return one sentence on a file that could not be written: what the system refused, and what to do."""
    path = f" {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        reason = os.strerror(error.errno)  # HDF5 puts a page of its own into error.strerror
        return f"the disk is full ({reason}){path}; what was saved before is whole: make room and {again}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return f"{error.strerror}:{path}; give a folder that can be written as --out, or change its permissions"
    return f"{error.strerror or error}{':' if path else ''}{path}"


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the named arrays of an .npz. Raises ValueError on a file that is missing or damaged, or lacks one."""
    try:
        # NumPy leaves the file open where its archive is damaged
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except _UNREADABLE as error:
        raise ValueError(str(error) or type(error).__name__) from error
