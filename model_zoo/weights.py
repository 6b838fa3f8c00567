"""Weights: packed small, and checked against the card before they are loaded.

A `.keras` file is a zip archive. Rounded to bfloat16 precision (8 bits of mantissa, still stored as float32)
the lower half of every weight is zero, so deflating the archive halves it, and stock Keras still loads it. Large
networks are rounded to a grid of 8 bits or fewer per channel: LZMA, which zip archives know too, then packs a weight
into about one byte, and stock Keras still loads it.
"""

import hashlib
import json
import re
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from model_zoo.backend import import_keras
from model_zoo.card import ModelError
from model_zoo.whole_files import write_whole


def round_to_bfloat16(values: np.ndarray) -> np.ndarray:
    """Return float32 `values` rounded to the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return np.where(np.isfinite(values), rounded.astype(np.uint32).view(np.float32), values)


def round_to_grid(values: np.ndarray, bits: int) -> np.ndarray:
    """Return float32 kernels rounded to `bits` bits per output channel: whole multiples of a power of two.

    The grid of a channel reaches as far as its largest weight. Channels are the last axis, or the one before where
    the last has one entry, as in depthwise kernels. A power of two leaves few different mantissas: what packs well.
    """
    channels = values.ndim - (2 if values.shape[-1] == 1 else 1)
    largest = np.abs(values).max(axis=tuple(axis for axis in range(values.ndim) if axis != channels), keepdims=True)
    steps = 2 ** (bits - 1) - 1
    scale = np.exp2(np.ceil(np.log2(np.maximum(largest, 1e-30) / steps)))
    return (np.round(values / scale) * scale).astype(np.float32)


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """Return weights as they are saved: kernels on a grid of `bits` bits, the rest, and all with 16, as bfloat16.

    With 32 they stay as they are.
    """
    if values.dtype != np.float32 or bits == 32:
        return values
    return round_to_grid(values, bits) if bits < 16 and values.ndim > 1 else round_to_bfloat16(values)


def save_packed(network, path: Path, bits: int = 16) -> None:
    """Save a Keras model as a small `.keras` file, whole; its weights are rounded in place first, to `bits` bits."""
    network.set_weights([rounded(w, bits) for w in network.get_weights()])
    how = (zipfile.ZIP_DEFLATED, 6) if bits >= 16 else (zipfile.ZIP_LZMA,)  # 9: 5 % smaller, 6 times slower

    def pack(part: Path) -> None:
        with TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            loose = Path(folder) / "loose.keras"
            network.save(loose)
            with zipfile.ZipFile(loose) as source, zipfile.ZipFile(part, "w") as target:
                for name in source.namelist():
                    data = _timeless(name, source.read(name))
                    target.writestr(zipfile.ZipInfo(name), data, *how)

    write_whole(path, pack)


def _timeless(name: str, data: bytes) -> bytes:
    """Return a part of the archive without the date and the memory addresses that Keras writes into it.

    The same weights must give the same bytes, and so the same hash.
    """
    if name == "metadata.json":
        return json.dumps(json.loads(data) | {"date_saved": ""}).encode()
    if name == "config.json":
        numbers: dict[bytes, int] = {}  # address of a shared object -> its number in the order of the file
        return re.sub(
            rb'"shared_object_id": (\d+)',
            lambda match: b'"shared_object_id": %d' % numbers.setdefault(match[1], len(numbers) + 1),
            data,
        )
    return data


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file. Raises ModelError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"the weights {path} cannot be read ({error.strerror}); train the model again") from error


def read_checked(path: Path, sha256: str) -> bytes:
    """Return the bytes of the weights with this sha256. Raises ModelError on any other file."""
    _require_sha256(path, sha256)
    return path.read_bytes()


def load_checked(path: Path, sha256: str):
    """Load the `.keras` file with this sha256, in safe mode. Raises ModelError on any other file."""
    _require_sha256(path, sha256)
    keras = import_keras()
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ModelError(f"the weights {path.parent.name}/{path.name} are not safe to load ({reason})") from error


def _require_sha256(path: Path, sha256: str) -> None:
    actual = sha256_of(path)
    if actual != sha256:
        raise ModelError(
            f"the weights {path.parent.name}/{path.name} are not those its card describes (sha256 {actual[:12]}…, "
            f"expected {sha256[:12]}…); restore the file or train the model again"
        )
