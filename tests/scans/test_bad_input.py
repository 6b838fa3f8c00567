"""A bad file gets one clear sentence, takes little memory, leaks no word, and the next scan is read."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from scans import read
from tests.bad_files import BAD_FILES, ODD_FILES
from tests.good_files import dicom12, disc

ROOT = Path(__file__).parents[2]


WORDS = {
    "empty.png": "empty",
    "random.png": "not a file Candor knows",
    "web-page.png": "web page",
    "cut-short.png": "cut short",
    "cut-short.jpg": "cut short",
    "cut-short.dcm": "cut short",
    "cut-short.nii": "cut short",
    "cut-short.nii.gz": "cut short",
    "ten-thousand-square.png": "100 megapixels; 25",
    "zip-bomb.nii.gz": "neither NIfTI nor DICOM",
    "deflated-bomb.dcm": "deflated",
    "lying-rows.dcm": "64 x 60000 pixels, which take 7680000 bytes, but holds 8192",
    "nan-affine.nii": "affine",
    "one-terabyte.nii": "10000 x 10000 x 5000 voxels; 60 million",
    "one-pixel.png": "1 x 1 pixels; at least 32 x 32",
    "black.png": "same value",
    "constant.png": "same value",
    "over-the-limit.nii": "50 MB are accepted",
}


READER = """
    import json, pathlib, sys
    from scans import ScanError, read, sandbox

    def memory(field):
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1e6  # GB

    linux = sys.platform == "linux"
    idle, sentences = memory("VmRSS") if linux else 0, {}
    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        try:
            sentences[path.name] = len(read(path))
        except ScanError as error:
            sentences[path.name] = str(error)
    peak = 0
    if linux:
        import resource

        sandbox.SERVER.stop()  # then the memory of its children counts
        peak = memory("VmHWM") - idle + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(json.dumps({"peak": peak, "sentences": sentences}))
"""


@pytest.fixture(scope="module")
def replies(tmp_path_factory) -> dict:
    """The sentences of a fresh process about every bad file and then a good one, and its memory in GB.

    The peak is that of the process over its idle size, plus that of its largest child.
    """
    folder = tmp_path_factory.mktemp("bad")
    for name, make in BAD_FILES.items():
        (folder / name).write_bytes(make())
    (folder / "~good.dcm").write_bytes(dicom12(disc()))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(READER), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    for path in folder.iterdir():
        path.unlink()
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gets_one_clear_sentence(name, replies):
    sentence = replies["sentences"][name]
    assert isinstance(sentence, str), "it was read"
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert 30 < len(sentence) < 220
    for forbidden in ("\n", "Error", "Traceback", "Erika", "Muster", "4711", "None", "nan", name):
        assert forbidden not in sentence


@pytest.mark.parametrize("name", WORDS)
def test_the_sentence_says_what_was_seen(name, replies):
    assert WORDS[name] in replies["sentences"][name]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_no_bad_file_takes_a_gigabyte(replies):
    assert replies["peak"] < 1.0


def test_a_good_file_is_read_after_all_the_bad_ones(replies):
    assert replies["sentences"]["~good.dcm"] == 1


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_is_read_and_the_note_says_what_is_odd(name):
    make, words = ODD_FILES[name]
    scans = read(make())
    assert words in " ".join(scans[0].notes)
    assert np.isfinite(scans[0].windowed()).all()
    assert np.ptp(scans[len(scans) // 2].windowed()) > 0.7
    assert 0 <= scans[0].window[0] < scans[0].window[1] <= 1
