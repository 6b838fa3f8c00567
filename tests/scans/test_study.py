"""Files read together by a command: the slices of a series share one grey range, and every file gets its answer."""

import os
from hashlib import sha256

import numpy as np

from scans import ScanError, in_series, read, read_files
from tests.good_files import dicom12, disc, png

PLACE = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


def written(folder, levels) -> list:
    """Return the paths of DICOM slices, each `levels[n]` bright, the uppermost first."""
    paths = []
    for number, level in enumerate(levels):
        path = folder / f"{number}.dcm"
        path.write_bytes(dicom12(disc() * level, ImagePositionPatient=[0, 0, -5 * number], **PLACE))
        paths.append(path)
    return paths


def test_each_file_is_answered_in_its_order_and_slices_share_the_range_of_their_series(tmp_path):
    paths = written(tmp_path, [0.9, 0.1, 0.5])
    picture, text = tmp_path / "a.png", tmp_path / "b.txt"
    picture.write_bytes(png(disc()))
    text.write_text("hello")
    order = [paths[1], picture, text, tmp_path / "missing", paths[0], paths[2]]
    found = list(read_files(order))
    assert [path for path, _ in found] == order
    assert isinstance(found[2][1], ScanError) and isinstance(found[3][1], ScanError)
    (series,) = in_series([read(path) for path in paths])
    by_file = {scan.digest: scan for scan in series}
    for path, scans in (found[0], found[4], found[5]):
        assert scans[0].key == by_file[read(path)[0].digest].key and len(scans) == 1
    assert found[0][1][0].windowed().max() < 0.2 < read(paths[1])[0].windowed().max()


def test_a_slice_given_twice_is_answered_twice(tmp_path):
    paths = written(tmp_path, [0.9, 0.1, 0.5])
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(dicom12(disc() * 0.1, ImagePositionPatient=[0, 0, -5], InstanceNumber=9, **PLACE))
    found = list(read_files([*paths, copy, paths[0]]))
    keys = [scans[0].grey_range for _, scans in found]
    assert len(keys) == 5 and np.ptp(np.array(keys), axis=0).max() < 1e-2
    # Each is the file that it was read from, by whose hash a report finds its header.
    assert [scans[0].digest for _, scans in found] == [sha256(path.read_bytes()).hexdigest() for path, _ in found]
    assert [scans[0].acquired[1] for path, scans in found if path == copy] == [9]


def test_one_file_alone_keeps_its_own_range(tmp_path):
    (path,) = written(tmp_path, [0.1])
    ((_, scans),) = read_files([path])
    assert scans[0].key == read(path)[0].key


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    paths = written(tmp_path, [0.9, 0.1])
    found = read_files([*paths, pipe])
    assert [next(found)[0], next(found)[0]] == paths  # the pipe is opened when its turn comes, not before
