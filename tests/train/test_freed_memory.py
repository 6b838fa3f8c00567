"""Where the C library can keep freed memory, large arrays are no longer returned to the system."""

import platform
import subprocess
import sys

import pytest

# Frees 64 MB and looks at how much of it the process still holds.
SCRIPT = """
import re
import numpy as np
from pathlib import Path
from train.freed_memory import keep_freed_memory

def megabytes():
    return int(re.search(r"VmRSS:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

if {keep}:
    assert keep_freed_memory()
before = megabytes()
pixels = np.ones(64 * 2**20, np.uint8)
del pixels
print(megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
@pytest.mark.parametrize(("keep", "least", "most"), [(False, -10, 10), (True, 55, 75)])
def test_freed_memory_is_kept_only_after_it_was_asked_for(keep, least, most):
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(keep=keep)], check=True, capture_output=True, text=True)
    assert least < float(done.stdout) < most


def test_another_c_library_changes_nothing(monkeypatch):
    def missing(name):
        raise OSError("no such library")

    monkeypatch.setattr("train.freed_memory.ctypes.CDLL", missing)
    from train.freed_memory import keep_freed_memory

    assert keep_freed_memory() is False
