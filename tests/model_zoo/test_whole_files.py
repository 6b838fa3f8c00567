"""A file or a folder is written whole or not at all."""

import os
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from types import ModuleType

import pytest

from model_zoo.whole_files import (
    append_line,
    remove_parts_of_the_dead,
    replace_folder,
    whole_lines,
    write_whole,
)


@pytest.fixture(autouse=True)
def no_page_as_main_module(monkeypatch):
    """A spawned process imports the main module again, which after the test of a page can be that page."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


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


def test_an_older_folder_that_a_kill_left_aside_is_put_back_before_another_takes_its_place(tmp_path):
    """A kill between the two moves: the old folder is aside, and the new one not yet in its place."""
    (tmp_path / ".place.old").mkdir()
    (tmp_path / ".place.old" / "weights").touch()
    with pytest.raises(OSError):
        replace_folder(tmp_path / "missing", tmp_path / "place")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["place", "place/weights"]


def killed_while_writing(path):
    write_whole(path, lambda part: (part.write_text("half"), os._exit(9)))


def test_what_a_killed_writer_left_goes_and_what_is_being_written_stays(tmp_path):
    (tmp_path / "inside").mkdir()
    writers = [
        get_context("spawn").Process(target=killed_while_writing, args=(tmp_path / name,)) for name in ("a", "inside/b")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(list(tmp_path.rglob(".part.*"))) == 2

    def look(part):
        part.write_text("whole")
        remove_parts_of_the_dead(tmp_path)
        assert list(tmp_path.rglob(".part.*")) == [part]

    write_whole(tmp_path / "a", look)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "inside"]


@pytest.mark.parametrize("name", [".part.a", ".part.abcdef01-2-3", ".part.0123abcd-99-1.elsewhere", "a.part.b"])
def test_what_no_writer_of_this_machine_left_stays(tmp_path, name):
    (tmp_path / name).touch()
    remove_parts_of_the_dead(tmp_path)
    assert (tmp_path / name).exists()


def test_lines_are_appended_and_read_back(tmp_path):
    assert whole_lines(tmp_path / "lines") == []
    for line in ("é", "", "a\u2028b"):
        append_line(tmp_path / "lines", line)
    assert whole_lines(tmp_path / "lines") == ["é", "", "a\u2028b"]


@pytest.mark.parametrize(("left", "kept"), [(b"one\ntw", ["one"]), (b"on", []), (b"", []), (b"one\n", ["one"])])
def test_a_line_that_a_kill_cut_short_is_not_read_and_goes_with_the_next_line(tmp_path, left, kept):
    (tmp_path / "lines").write_bytes(left)
    assert whole_lines(tmp_path / "lines") == kept
    append_line(tmp_path / "lines", "new")
    assert (tmp_path / "lines").read_text() == "".join(f"{line}\n" for line in [*kept, "new"])


def test_a_line_that_does_not_fit_on_the_disk_leaves_the_lines_before(tmp_path):
    append_line(tmp_path / "lines", "one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError):
            append_line(tmp_path / "lines", "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "lines").read_text() == "one\n"


def append_many(path, letter: str) -> None:
    for _ in range(50):
        append_line(path, letter * 10_000)


def test_lines_of_several_processes_do_not_mix(tmp_path):
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(partial(append_many, tmp_path / "lines"), "ab"))
    assert sorted(whole_lines(tmp_path / "lines")) == ["a" * 10_000] * 50 + ["b" * 10_000] * 50
