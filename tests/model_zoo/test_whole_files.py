"""A file or a folder is written whole or not at all."""

import pytest

from model_zoo.whole_files import replace_folder, write_whole


def fail(path):
    path.write_text("half")
    raise OSError("no space left")


@pytest.mark.parametrize(("content", "error"), [("new \ud800", UnicodeEncodeError), (fail, OSError)])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, content, error):
    write_whole(tmp_path / "card.json", "old")
    with pytest.raises(error):
        write_whole(tmp_path / "card.json", content)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("card.json", "old")]


@pytest.mark.parametrize("content", ["é\r\n", "é\r\n".encode(), lambda path: path.write_bytes("é\r\n".encode())])
def test_text_bytes_and_what_a_function_saves_are_written_as_they_are(tmp_path, content):
    write_whole(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == "é\r\n".encode()


def test_a_folder_takes_the_place_of_an_older_one(tmp_path):
    for name in ("part", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert replace_folder(tmp_path / "part", tmp_path / "place") == tmp_path / "place"
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["place", "place/part"]


def test_a_folder_that_cannot_be_moved_leaves_the_older_one(tmp_path):
    (tmp_path / "place").mkdir()
    with pytest.raises(OSError):
        replace_folder(tmp_path / "missing", tmp_path / "place")
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
