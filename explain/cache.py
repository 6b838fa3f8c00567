"""Was this very question asked before? Then its explanation is here.

A question is known by contents: by what every pixel is and how the file asks to be shown, by the weights, by the
method and all that it depends on. Never by an object's identity, nor by a hash of a sample of the pixels, which
is what Streamlit's cache makes of a large array: two scans would share a map.
"""

import hashlib
import json
from collections import OrderedDict
from dataclasses import asdict
from threading import Lock

from explain.explanation import Explanation
from model_zoo import ModelCard
from scans import Scan

VERSION = 1  # raised whenever a method's formula changes, so that no old map passes for a new one
MAX_BYTES = 256 * 1024**2  # some 200 maps of 512 x 512 pixels, each with its raw one


def question_key(
    model_card: ModelCard, scan: Scan, method: str, engine: str, target: str, seed: int, seconds: float
) -> str:
    """Return the sha256, 64 hexadecimal digits, of all that the map and its manifest depend on.

    `seconds` is the budget's. Give the names of the engine and of the class: "" for the default is another
    question than its name, and is computed once more. The runtime is not part of it: a process asks with one.
    """
    asked = {
        "version": VERSION,
        "model": {
            "id": model_card.id,
            "weights": model_card.weights_sha256,
            "classes": model_card.classes,
            "names": model_card.names,  # the warnings speak of a class by its name
            "input": asdict(model_card.input),
            "tap": model_card.tap,
            "temperature": model_card.temperature,
        },
        "scan": {
            "pixels": hashlib.sha256(scan.pixels).hexdigest(),
            "shape": scan.shape,
            "window": [float(edge) for edge in scan.window],
            "spacing": [float(mm) for mm in scan.spacing],
            "digest": scan.digest,
            "index": int(scan.index),
            "plane": scan.plane,
        },
        "method": method,
        "engine": engine,
        "target": target,
        "seed": int(seed),
        "seconds": float(seconds),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class Cache:
    """Finished explanations in memory, the least recently used forgotten first. Any thread may use it.

    What it gives out is shared between users: an Explanation is frozen and its arrays are read-only.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = Lock()
        self._kept: OrderedDict[str, Explanation] = OrderedDict()  # the least recently used first
        self._bytes = 0

    def get(self, key: str) -> Explanation | None:
        """Return the explanation of a question, or None where it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation, and forget old ones until all maps fit `max_bytes`; one larger than that is not kept."""
        with self._lock:
            self._forget(key)
            if _size(explanation) > self.max_bytes:
                return
            self._kept[key] = explanation
            self._bytes += _size(explanation)
            while self._bytes > self.max_bytes:
                self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget every explanation."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _forget(self, key: str) -> None:
        if key in self._kept:
            self._bytes -= _size(self._kept.pop(key))


def _size(explanation: Explanation) -> int:
    return explanation.heat.nbytes + explanation.raw.nbytes


CACHE = Cache()
