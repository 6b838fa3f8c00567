"""A zip of one study is read like one file; what it unpacks to is bounded, and its names are labels, never paths."""

import io
import struct
import time
import zipfile

import numpy as np
import pytest

from scans import MAX_FILES, ScanError, archive, joined, read
from scans.archive import dicom_file, unpacked
from tests.good_files import analyze, dicom12, disc, nifti, nifti_pair, png, volume

PLACE = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


def zipped(files: dict[str, bytes], **options: object) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return stream.getvalue()


def a_slice(height: float, **attributes: object) -> bytes:
    return dicom12(disc() * (0.5 + height / 100), ImagePositionPatient=[0, 0, height], **PLACE | attributes)


def series(count: int, **attributes: object) -> dict[str, bytes]:
    """Files of a series, the uppermost slice first."""
    return {f"IM{k}": a_slice(5 * (count - k), **attributes) for k in range(count)}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_files_of_one_series_are_the_slices_of_one_volume_in_order(method):
    data = zipped(series(5), compression=method)
    scans = read(data)
    assert [scan.position for scan in scans] == [5, 10, 15, 20, 25]
    assert [(scan.index, scan.count) for scan in scans] == [(k, 5) for k in range(5)]
    assert len({scan.digest for scan in scans}) == 1 and len({scan.key for scan in scans}) == 5
    assert scans[0].stacks == () and scans[0].notes == ()


def test_each_series_is_a_stack_and_the_largest_opens_first():
    files = series(2) | {f"b{k}": a_slice(k, SeriesInstanceUID="1.2.4", EchoTime=90) for k in (0, 5, 10)}
    scans = read(zipped(files | {"report.txt": b"Nothing found."}))
    assert scans[0].stacks == ("1: 3 axial slices, TE 90 ms", "2: 2 axial slices")
    assert [scan.position for scan in scans] == [0, 5, 10] and scans[0].stack == scans[0].stacks[0]
    assert scans[0].notes[0] == (
        "This archive holds 2 stacks; this is 1: 3 axial slices, TE 90 ms. The others: 2: 2 axial slices."
    )
    assert scans[0].notes[1].startswith("1 of the files in this archive give no scan; the first: this file holds text")
    other = read(zipped(files), stack="2: 2 axial slices")
    assert [scan.position for scan in other] == [5, 10]
    with pytest.raises(ScanError, match=r"no stack 'nose'; it has 1: 3 axial slices, TE 90 ms, 2: 2 axial slices\."):
        read(zipped(files), stack="nose")


def test_the_dicom_file_of_a_slice_is_found_in_its_archive():
    files = series(3) | {"a.png": png(disc())}
    data = zipped(files)
    assert [dicom_file(scan, data) for scan in read(data)] == [files[name] for name in ("IM2", "IM1", "IM0")]
    (picture,) = read(data, stack="2: 1 slice")
    assert dicom_file(picture, data) is None
    begins_as_a_zip = b"PK\x03\x04" + files["IM0"][4:]  # its preamble may hold anything
    assert dicom_file(read(begins_as_a_zip)[0], begins_as_a_zip) == begins_as_a_zip
    whole = a_slice(5)
    assert dicom_file(read(whole)[0], whole) == whole and dicom_file(read(files["a.png"])[0], files["a.png"]) is None


def test_pictures_and_volumes_in_an_archive_are_stacks_too():
    scans = read(zipped({"a.png": png(disc()), "b.nii": nifti(volume())}))
    assert scans[0].stacks == ("1: 36 axial slices", "2: 1 slice")


def test_what_only_an_operating_system_needs_is_left_out():
    files = {"__MACOSX/._a.png": b"x", ".DS_Store": b"x", "a/Thumbs.db": b"x", "DICOMDIR": b"x", "a/a.png": png(disc())}
    assert [name for name, _ in unpacked(zipped(files))] == ["a/a.png"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\scan.png", "a\0b.png", "x" * 3000])
def test_the_name_of_a_member_is_a_label_and_never_a_path(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(read(zipped({name: png(disc())}))) == 1
    assert list(tmp_path.iterdir()) == []


def encrypted() -> bytes:
    data = bytearray(zipped({"a.png": png(disc())}))
    data[6] |= 1
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def lying_about_its_size() -> bytes:
    """A member of 60 MB of zeros that says it has 100 bytes."""
    data = bytearray(zipped({"a.png": bytes(60_000_000)}, compression=zipfile.ZIP_DEFLATED))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    return bytes(data)


REFUSED = {
    "empty": (lambda: zipped({}), "holds no files"),
    "only folders": (lambda: zipped({"a/": b""}), "holds no files"),
    "cut short": (lambda: zipped(series(3))[:5000], "damaged or cut short"),
    "no scan in it": (
        lambda: zipped({"a.txt": b"hello"}),
        "holds 1 file and no scan; the first: this file holds",
    ),
    "an archive in it": (
        lambda: zipped({"a.zip": zipped(series(3))}),
        "1 archive within this ZIP",
    ),
    "encrypted": (encrypted, "is encrypted"),
    "bzip2": (lambda: zipped(series(2), compression=zipfile.ZIP_BZIP2), "packed in a way"),
    "too many files": (lambda: zipped({f"{k}": b"x" for k in range(MAX_FILES + 1)}), "holds 513 files; at most 512"),
    "too large a file": (lambda: zipped({"a": bytes(50_000_001)}, compression=8), "holds more than 50 MB"),
    "a lie about a size": (lying_about_its_size, "damaged|more than 50 MB"),
    "too much together": (
        lambda: zipped({f"{k}": bytes(49_000_000) for k in range(7)}, compression=8),
        "300 MB tog",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_archive_that_is_not_one_study_is_one_sentence(what):
    make, said = REFUSED[what]
    with pytest.raises(ScanError, match=said) as refusal:
        read(make())
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)


def as_zip64(data: bytes) -> bytes:
    """Return an archive whose list of members is told in 64 bits, and in the record at its end as that of one."""
    at = data.rfind(b"PK\x05\x06")
    count, size, begin = struct.unpack_from("<HII", data, at + 10)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, begin)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, begin, 0)
    return data[:at] + record + locator + end


@pytest.mark.parametrize("count", [3, 20_000])
def test_the_records_of_very_large_archives_do_not_go_round_the_limits(count):
    data = as_zip64(zipped({f"{k}": b"" for k in range(count)}))
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == count
    with pytest.raises(ScanError, match=r"\(ZIP64\); pack one study"):
        read(data)


@pytest.mark.parametrize("names", [("a/brain.hdr", "a/brain.img"), ("brain.img", "brain.HDR")])
@pytest.mark.parametrize("make", [analyze, nifti_pair])
def test_a_header_and_its_voxels_are_one_volume(make, names):
    pair = make(np.round(1000 * volume()).astype(np.int16))
    parts = dict(zip(names, pair if names[0].endswith("hdr") else pair[::-1], strict=True))
    scans, whole = read(zipped({"readme.txt": b"None."} | parts)), read(joined(*pair))
    assert np.array_equal([scan.pixels for scan in scans], [scan.pixels for scan in whole])
    assert [scan.notes[1:] for scan in scans] == [scan.notes for scan in whole]


def test_parts_that_do_not_belong_together_are_told():
    header, image = nifti_pair(np.round(1000 * volume()).astype(np.int16))
    for names, said in (
        (("a/brain.hdr", "b/brain.img"), "this is the header of an Analyze or NIfTI pair without its voxels"),
        (("brain.hdr", "brain.img"), "these two files do not belong together"),
    ):
        with pytest.raises(ScanError, match=f"holds 2 files and no scan; the first: {said}"):
            read(zipped(dict(zip(names, (header, image[:-2000]), strict=True))))


def test_dicom_files_that_are_named_like_voxels_are_read_each_for_itself():
    files = {f"{name}.img": data for name, data in series(3).items()} | {"IM0.hdr": b"text"}
    assert [scan.position for scan in read(zipped(files))] == [5, 10, 15]


def test_nothing_is_read_before_the_whole_archive_is_within_the_limits(monkeypatch):
    read_members = []
    monkeypatch.setattr(archive, "MAX_TOGETHER", 30_000)
    with pytest.raises(ScanError, match="holds more than"):
        archive.read_archive(zipped(series(4)), "", "", lambda data: read_members.append(data))
    assert read_members == []


def test_an_archive_of_slow_files_is_given_up_and_one_of_many_files_is_not(monkeypatch):
    monkeypatch.setattr(archive, "_SECONDS", 0.7)
    data = zipped(series(12))
    with pytest.raises(ScanError, match="takes longer than"):
        archive.read_archive(data, "", "", lambda member: time.sleep(2))
    scans = archive.read_archive(data, "", "", lambda member: (time.sleep(0.1), read(member))[1])
    assert len(scans) == 12


def test_a_member_without_a_name_is_read_or_one_sentence():
    data = bytearray(zipped({"a": png(disc())}))
    for magic, to_name in ((b"PK\x03\x04", 30), (b"PK\x01\x02", 46)):
        data[data.rfind(magic) + to_name] = 0
    try:
        assert len(read(bytes(data))) == 1
    except ScanError as refusal:
        assert "no files" in str(refusal)


def test_more_voxels_than_a_study_has_are_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_VOXELS", 5000)
    with pytest.raises(ScanError, match="million voxels, the most that are read at once; send one series of it"):
        read(zipped(series(4)))
    monkeypatch.undo()
    assert np.size(read(zipped(series(2)))) == 2
