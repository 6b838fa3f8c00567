"""The arrays that the viewer is sent: pixels and maps in 16 bits, compressed, each once for its contents.

They travel as files of the page, by addresses made of their contents, so that the browser keeps them and a page that
is drawn anew sends none of them again.
"""

import hashlib
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st
from streamlit import runtime

from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS, against, ramp
from scans import Scan

PIXEL_STEPS = 65535  # a pixel's 0 to 1
MAP_STEPS = 32767  # a map's 0 to its peak
COLOUR_NAMES = (*dict.fromkeys((*COLOUR_MAPS, *SIGNED_COLOUR_MAPS)), "against")

KEPT = 400  # arrays of a session, some 70 kB each


@dataclass(frozen=True)
class Packet:
    """An array as raw deflate, little-endian, row by row. `kind` is its type: "uint8", "uint16", "int16", "float32"."""

    key: str
    kind: str
    data: bytes

    def facts(self) -> dict[str, str]:
        """Return what the browser needs to fetch it; to be called in a run of a page, which then serves it."""
        return {"key": self.key, "kind": self.kind, "url": _served(self)}

    def array(self) -> np.ndarray:
        """Return the values, one after the other."""
        return np.frombuffer(zlib.decompress(self.data, -zlib.MAX_WBITS), np.dtype(self.kind).newbyteorder("<"))


def packet_of_scan(scan: Scan) -> Packet:
    """Return uint16 pixels: 0 and 65535 are the darkest and the brightest value stored in the file."""
    return _packet(f"scan-{scan.pixels_sha256[:32]}", scan.pixels, 1.0)


def packet_of_map(heat: np.ndarray, peak: float) -> Packet:
    """Return int16 values: 32767 is the `peak`, the largest absolute value of float32 `heat` (H, W)."""
    key = hashlib.sha256(np.ascontiguousarray(heat, np.float32)).hexdigest()
    return _packet(f"map-{key[:32]}", heat, peak)


def packet_of_labels(labels: np.ndarray) -> Packet:
    """Return uint8 `labels` (H, W) as they are."""
    key = hashlib.sha256(np.ascontiguousarray(labels, np.uint8)).hexdigest()
    return _packet(f"labels-{key[:32]}", labels, 1.0)


def packet_of_voxels(key: str, values: np.ndarray) -> Packet:
    """Return uint16 `values` (layers, rows, columns) as a packet of this key."""
    return Packet(key, "uint16", _deflated(values.astype("<u2")))


@lru_cache(maxsize=1)
def packet_of_colours() -> Packet:
    """Return float32 (colour map, 256, 3) in [0, 1], in the order of COLOUR_NAMES."""
    tables = np.stack([against() if name == "against" else ramp(name) for name in COLOUR_NAMES]).astype("<f4")
    return Packet(f"colours-{hashlib.sha256(tables).hexdigest()[:32]}", "float32", _deflated(tables))


# By contents. Not cache_data, which would copy.
@st.cache_resource(scope="session", max_entries=KEPT, show_spinner=False)
def _packet(key: str, _values: np.ndarray, _peak: float) -> Packet:
    return encoded(key, _values, _peak)


def encoded(key: str, values: np.ndarray, peak: float) -> Packet:
    """Return `values` (H, W) as a packet, by the `key`: pixels in [0, 1] of a scan, labels up to 255, else a map."""
    if key.startswith("labels"):
        return Packet(key, "uint8", _deflated(values.astype(np.uint8)))
    if key.startswith("scan"):
        steps, kind = np.round(np.clip(values, 0, 1) * PIXEL_STEPS), "uint16"
    else:
        steps, kind = np.round(values / np.float32(peak or 1.0) * MAP_STEPS), "int16"
    return Packet(key, kind, _deflated(steps.astype(np.dtype(kind).newbyteorder("<"))))


def _deflated(values: np.ndarray) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(np.ascontiguousarray(values)) + compressor.flush()


def _served(packet: Packet) -> str:
    """Return the address at which this session's pages serve a packet."""
    if not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(packet.data, "application/octet-stream", packet.key)
