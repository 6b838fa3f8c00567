"""What a reader passes over is counted and told; what is not worth a word is not."""

import zipfile

import pytest

from datasets.cards import DATASETS
from datasets.cohorts import POOLED_COHORTS, read_cohort, read_task
from datasets.not_read import NotRead, not_read, tell_not_read
from datasets.records import Record
from tests.datasets.small_collections import EACH, draw_small_collections, mat

KAGGLE, FIGSHARE = DATASETS["kaggle4"], DATASETS["figshare3"]
NOTHING = NotRead({}, {}, {}, {}, ())


@pytest.fixture
def data(tmp_path):
    return draw_small_collections(tmp_path)


def put(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"0")


@pytest.mark.parametrize("task", ["kaggle4", "figshare3", "44c15"])
def test_of_a_set_as_published_everything_is_read(task, data):
    assert not_read(DATASETS[task], data) == NOTHING and str(NOTHING) == ""


def test_system_files_zips_and_what_comes_with_a_set_are_not_worth_a_word(data):
    glioma = data / KAGGLE.folder / "Training" / "glioma"
    put(glioma, "Thumbs.db", "desktop.ini", ".DS_Store", "._1.png", "1.txt", "README.md", "archive.zip")
    put(data / KAGGLE.folder, "notes.pdf", "LICENSE", "__MACOSX/Training/glioma/1.png", ".git/config")
    assert not_read(KAGGLE, data) == NOTHING


def test_every_other_file_is_counted_by_what_it_is(data):
    folder = data / KAGGLE.folder
    put(folder / "Training" / "glioma", "part1/a.jpg", "part1/b.JFIF", "deep/er/c.png", "part1/d.heic")
    put(folder / "Testing" / "notumor", "x.heic", "y.HEIC", "z.dcm", "noname", "notes.txt", "99.txt")
    put(folder, "Validation/glioma/1.jpg", "cover.png", "Training/stray.png")
    put(folder / "Testing" / "meningioma", ".ipynb_checkpoints/1-checkpoint.png", ".hidden.png")
    found = not_read(KAGGLE, data)
    assert found == NotRead(
        in_sub_folders={"Training/glioma/deep/er": 1, "Training/glioma/part1": 2},
        elsewhere={".": 1, "Training": 1, "Validation/glioma": 1},
        other_kinds={".dcm": 1, ".heic": 3, ".txt": 2, "no suffix": 1},
        hidden={"Testing/meningioma": 1, "Testing/meningioma/.ipynb_checkpoints": 1},
        zips=(),
    )
    assert str(found) == (
        "3 pictures in sub-folders of class folders (Training/glioma/part1 and Training/glioma/deep/er), "
        "3 pictures in other folders (the top folder, Training and Validation/glioma), "
        "7 files of other kinds (.heic, .txt, .dcm and 1 more), "
        "2 hidden pictures (Testing/meningioma and Testing/meningioma/.ipynb_checkpoints)"
    )
    assert len(read_task(KAGGLE, data)) == 8 * EACH


def test_beside_figshare_s_own_files_the_pictures_are_told(data):
    folder = data / FIGSHARE.folder
    put(folder / "glioma", "notes.odt")
    assert not_read(FIGSHARE, data).other_kinds == {".odt": 1}
    mat(folder / "brainTumorDataPublic_1-766" / "1.mat", 1, "1")
    put(folder / "brainTumorDataPublic_1-766", "1.jpg", "cvind.mat", "odd.mat", "README.txt")
    assert not_read(FIGSHARE, data) == NotRead(
        in_sub_folders={},
        elsewhere={label: EACH for label in FIGSHARE.classes},
        other_kinds={".jpg": 1, ".mat": 1},
        hidden={},
        zips=(),
    )


def test_a_zip_of_the_set_that_was_not_unpacked_is_told(data):
    with zipfile.ZipFile(data / FIGSHARE.folder / "brainTumorDataPublic_767-1532.zip", "w") as file:
        file.writestr("767.mat", b"")
    assert str(not_read(FIGSHARE, data)) == "brainTumorDataPublic_767-1532.zip, to be unpacked"


def test_each_dataset_that_is_read_has_its_line_and_no_other(data, capsys):
    put(data / KAGGLE.folder / "Training" / "glioma", "a.heic")
    put(data / FIGSHARE.folder / "glioma", "part1/5.png")
    put(data / "brain-tumor-mri-images-44c" / "_NORMAL T1", "a.pdf")
    tell_not_read([*read_task(KAGGLE, data), *read_cohort("br35h", data), Record("glioma/1", "glioma")], data)
    told = capsys.readouterr()
    assert told.out == "" and told.err.splitlines() == [
        f"{KAGGLE.folder}: {8 * EACH} scans; not read: 1 file of other kinds (.heic)",
        f"{FIGSHARE.folder}: {EACH} scans; not read: 1 picture in sub-folders of class folders (glioma/part1)",
    ]


def test_nothing_is_told_of_phantoms_and_of_what_is_wholly_read(data, capsys):
    pooled = [record for name in POOLED_COHORTS for record in read_cohort(name, data)]
    tell_not_read([*pooled, *read_task(DATASETS["phantom4"], data)], data)
    assert capsys.readouterr().err == ""


@pytest.mark.data
def test_of_the_real_sets_one_hidden_picture_is_not_read(data_folder):
    rest = {task: str(not_read(DATASETS[task], data_folder)) for task in ("kaggle4", "figshare3", "44c15")}
    assert rest == {
        "kaggle4": "1 hidden picture (Testing/meningioma/.ipynb_checkpoints)",
        "figshare3": "",
        "44c15": "",
    }
