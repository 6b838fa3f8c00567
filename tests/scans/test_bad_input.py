"""A bad file gets one clear sentence, takes little memory, leaks no word, and the next scan is read."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from scans import ScanError, read, sandbox
from tests.bad_files import BAD_FILES, ODD_FILES
from tests.good_files import dicom12, disc, nifti, volume

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
    "zip-bomb.nii.gz": "no NIfTI volume",
    "deflated-bomb.dcm": "deflated",
    "lying-rows.dcm": "64 x 60000 pixels, which take 7680000 bytes, but holds 8192",
    "nan-affine.nii": "affine",
    "one-terabyte.nii": "10000 x 10000 x 5000 voxels; 60 million",
    "four-d.nii": "3 volumes",
    "one-pixel.png": "1 x 1 pixels; at least 32 x 32",
    "black.png": "same value",
    "constant.png": "same value",
    "over-the-limit.nii": "50 MB are accepted",
}


READER = """
    import json, pathlib, sys
    from scans import ScanError, read

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


MISBEHAVIOUR = {
    "says nothing": ("pass", "broke down"),
    "is killed": ("import os; os.kill(os.getpid(), 9)", "broke down"),
    "prints junk": ("print('Muster^Erika', flush=True)", "broke down"),
    "prints JSON that is no answer": ("print('[1]')", "broke down"),
    "stops in the middle": ("""print('{"shape": [64, 64]}'); print('abc')""", "broke down"),
    "claims a huge slice": ("""print('{"shape": [100000, 100000]}')""", "broke down"),
    "claims a strange shape": ("""print('{"shape": [-5, -5]}')""", "broke down"),
    "invents a fact": (
        'import sys\nsys.stdout.buffer.write(b\'{"shape": [1, 1], "name": "Erika"}\\nabcd{"end": 1}\')',
        "broke down",
    ),
    "takes for ever": ("import time; time.sleep(60)", "longer than the 10 s"),
}


@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_a_child_that_misbehaves_becomes_a_sentence(how, monkeypatch, tmp_path):
    script, words = MISBEHAVIOUR[how]
    child = tmp_path / "child.py"
    child.write_text(script)
    monkeypatch.setattr(sandbox, "_CHILD", child)
    monkeypatch.setattr(sandbox, "SECONDS", 1)
    with pytest.raises(ScanError, match=words) as refusal:
        read(nifti(volume()))
    assert "Erika" not in str(refusal.value)


LIMITS = {
    "memory": ("[bytearray(2_000_000_000)]", "more than the 800 MB of memory"),
    "the processor": ("iter(lambda: sum(range(10**6)), None)", "longer than the 10 s"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces both limits")
@pytest.mark.parametrize("what", LIMITS)
def test_a_decoder_that_takes_too_much_is_stopped_by_the_child_s_own_limits(what, monkeypatch, tmp_path):
    greedy, words = LIMITS[what]
    child = tmp_path / "child.py"
    child.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from scans import sandbox_worker as child\n"
        "child.CPU_SECONDS, child._send = 1, lambda scan, answer: None\n"
        f"child._decoder = lambda kind: lambda data, plane: {greedy}\n"
        "child.main('nifti', 'axial')\n"
    )
    monkeypatch.setattr(sandbox, "_CHILD", child)
    with pytest.raises(ScanError, match=words):
        read(nifti(volume()))


def test_the_child_starts_without_heavy_libraries():
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", str(ROOT / "scans" / "sandbox_worker.py"), "dicom", "axial"],
        input=dicom12(disc()),
        capture_output=True,
        check=True,
    )
    # The report goes to stderr, which the child keeps; its answer has a descriptor of its own.
    imported = {line.rsplit(b"|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert b"pydicom" in imported
    assert imported.isdisjoint({b"cv2", b"tensorflow", b"keras", b"urllib3"})
