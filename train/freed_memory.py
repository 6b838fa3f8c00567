"""Freed memory stays with the process, for the next training step.

A step frees arrays of tens of megabytes that the next one allocates again. The C library returns each to the system and
asks for it anew, and the system clears every page. `python -m benchmarks.freed_memory` measures what that costs.
"""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # of glibc's mallopt(3)
_NEVER = 2**31 - 1  # bytes that would have to be free before some are returned


def keep_freed_memory() -> bool:
    """Let the C library keep what this process frees; return False where it is not glibc and nothing changes."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        # One arena: the others hold 64 MB at most, and what is larger would be mapped and unmapped all the same.
        settings = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER))
        return all([library.mallopt(*setting) for setting in settings])
    return False
