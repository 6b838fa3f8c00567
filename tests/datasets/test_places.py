"""A set that lies elsewhere, too deep, too shallow or in a zip is found, and the message says where it belongs."""

import zipfile
from pathlib import Path

import pytest

from datasets.cards import DATASETS
from datasets.places import dataset_folder, zips_not_unpacked
from datasets.readers import read_records
from datasets.records import DatasetError

KAGGLE, FIGSHARE, C44 = DATASETS["kaggle4"], DATASETS["figshare3"], DATASETS["44c15"]
SCANS = {  # task -> files of its publisher's layout
    "kaggle4": [f"{part}/{c}/{part[:2]}-{c}_1.jpg" for part in ("Training", "Testing") for c in KAGGLE.classes],
    "44c15": ["Astrocitoma T1/a.jpeg", "Meningioma T1C+/b.jpeg", "_NORMAL T2/c.jpeg"],
    "figshare3": ["brainTumorDataPublic_1-766/1.mat", "brainTumorDataPublic_767-1532/767.mat"],
    "dementia": ["train/NonDemented/nonDem0.jpg", "test/MildDemented/26 (19).jpg"],
}
BOXES = [f"{label}/{number}.{kind}" for number, label in enumerate(FIGSHARE.classes) for kind in ("jpg", "txt")]


def put(folder: Path, names: list[str]) -> None:
    """Make empty files: a set is known by its folders and the names in them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def pack(path: Path, names: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, b"")
    return path


def advice(card, data: Path) -> str:
    """What the message says after the place where the set should be."""
    with pytest.raises(DatasetError) as caught:
        dataset_folder(card, data)
    start = f"{card.title} should be at {data / card.folder}, but "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


@pytest.mark.parametrize("task", SCANS)
def test_a_set_in_its_folder_is_found(task, tmp_path):
    card = DATASETS[task]
    put(tmp_path / card.folder, SCANS[task])
    assert dataset_folder(card, tmp_path) == tmp_path / card.folder


def test_a_set_in_a_folder_of_another_name_is_to_be_renamed(tmp_path):
    put(tmp_path / "archive", SCANS["kaggle4"])
    assert advice(KAGGLE, tmp_path) == (
        f"Testing and Training lie in {tmp_path}/archive: rename {tmp_path}/archive to {tmp_path}/{KAGGLE.folder}"
    )


@pytest.mark.parametrize("deep", ["brain-tumor-mri-dataset", "archive/brain-tumor-mri-dataset"])
def test_a_set_that_was_unpacked_too_deep_is_to_be_moved_up(deep, tmp_path):
    place = tmp_path / KAGGLE.folder / deep
    put(place, SCANS["kaggle4"])
    assert advice(KAGGLE, tmp_path) == f"Testing and Training lie in {place}: move them into {tmp_path / KAGGLE.folder}"


def test_a_set_that_was_unpacked_into_the_data_folder_is_to_be_moved_down(tmp_path):
    put(tmp_path, SCANS["kaggle4"])
    assert (
        advice(KAGGLE, tmp_path) == f"Testing and Training lie in {tmp_path}: move them into {tmp_path}/{KAGGLE.folder}"
    )
    put(tmp_path, [*SCANS["44c15"], "Carcinoma T1/d.jpg"])
    assert advice(C44, tmp_path) == (
        f"Astrocitoma T1, Carcinoma T1, Meningioma T1C+ and 1 more lie in {tmp_path}: move them into "
        f"{tmp_path}/{C44.folder}"
    )


def test_the_set_itself_is_not_the_folder_that_holds_it(tmp_path):
    put(tmp_path / KAGGLE.folder, SCANS["kaggle4"])
    data = tmp_path / KAGGLE.folder
    assert advice(KAGGLE, data) == (
        f"{data} is the set itself: give the folder that holds it, {tmp_path}, as --data or $CANDOR_DATA"
    )


def test_figshare_s_folders_are_read_at_any_depth_and_found_elsewhere(tmp_path):
    put(tmp_path / "a" / FIGSHARE.folder / "1512427", SCANS["figshare3"])
    assert dataset_folder(FIGSHARE, tmp_path / "a") == tmp_path / "a" / FIGSHARE.folder
    put(tmp_path / "b", SCANS["figshare3"])
    assert advice(FIGSHARE, tmp_path / "b") == (
        f"brainTumorDataPublic_1-766 and brainTumorDataPublic_767-1532 lie in {tmp_path}/b: "
        f"move them into {tmp_path}/b/{FIGSHARE.folder}"
    )
    put(tmp_path / "c", ["1512427/1.mat", "1512427/2.mat", "1512427/10.mat", "1512427/11.mat", "1512427/cvind.mat"])
    assert advice(FIGSHARE, tmp_path / "c") == (
        f"1.mat, 2.mat, 10.mat and 1 more lie in {tmp_path}/c/1512427: "
        f"rename {tmp_path}/c/1512427 to {tmp_path}/c/{FIGSHARE.folder}"
    )


def test_figshare_as_pictures_is_known_by_its_boxes(tmp_path):
    put(tmp_path / FIGSHARE.folder / "data", BOXES)
    assert "glioma, meningioma and pituitary lie in" in advice(FIGSHARE, tmp_path)
    put(tmp_path / "other" / "mine", [name for name in BOXES if name.endswith(".jpg")])
    with pytest.raises(DatasetError, match="figshare-brain-tumor; point --data"):
        dataset_folder(FIGSHARE, tmp_path / "other")


def test_another_set_is_not_taken_for_the_missing_one(tmp_path):
    put(tmp_path / KAGGLE.folder, SCANS["kaggle4"])
    put(tmp_path / FIGSHARE.folder, BOXES)
    with pytest.raises(DatasetError, match=r"is not at .*brain-tumor-mri-images-44c; point --data or"):
        dataset_folder(C44, tmp_path)


def test_hidden_folders_and_those_too_deep_are_not_searched(tmp_path):
    put(tmp_path / ".cache", SCANS["kaggle4"])
    put(tmp_path / "__MACOSX", SCANS["kaggle4"])
    put(tmp_path / "a" / "b" / "c" / "d" / "e", SCANS["kaggle4"])
    with pytest.raises(DatasetError, match="is not at "):
        dataset_folder(KAGGLE, tmp_path)


@pytest.mark.parametrize("inside", [False, True], ids=["in the data folder", "in the set's folder"])
@pytest.mark.parametrize(("task", "name"), [("kaggle4", "archive.zip"), ("44c15", "archive.ZIP")])
def test_a_zip_is_known_by_what_is_in_it_and_is_to_be_unpacked(task, name, inside, tmp_path):
    folder = tmp_path / DATASETS[task].folder
    path = pack((folder if inside else tmp_path) / name, SCANS[task])
    assert advice(DATASETS[task], tmp_path) == f"{path} is a zip of it: unpack it into {folder}"
    other = C44 if task == "kaggle4" else KAGGLE
    with pytest.raises(DatasetError, match="is not at "):
        dataset_folder(other, tmp_path)


def test_a_zip_with_a_folder_of_its_own_is_unpacked_beside_it(tmp_path):
    path = pack(tmp_path / "download.zip", [f"{KAGGLE.folder}/{name}" for name in SCANS["kaggle4"]])
    assert advice(KAGGLE, tmp_path) == f"{path} is a zip of it: unpack it into {tmp_path}"
    pack(path, [f"Brain Tumor/{name}" for name in SCANS["kaggle4"]])
    assert advice(KAGGLE, tmp_path) == (
        f"{path} is a zip of it: unpack it, and move what is in the folder Brain Tumor to {tmp_path}/{KAGGLE.folder}"
    )


def test_figshare_s_zips_are_unpacked_together(tmp_path):
    folder = tmp_path / FIGSHARE.folder
    numbers = {"1-766": 1, "767-1532": 767, "1533-2298": 1533, "2299-3064": 2299}
    parts = [
        pack(tmp_path / f"brainTumorDataPublic_{which}.zip", [f"{first}.mat", f"__MACOSX/._{first}.mat"])
        for which, first in numbers.items()
    ]
    named = f"{parts[0]}, {parts[2]}, {parts[3]} and 1 more"
    assert advice(FIGSHARE, tmp_path) == f"{named} are zips of it: unpack them into {folder}"
    for path in parts:
        path.unlink()
    whole = pack(tmp_path / "1512427.zip", [*(path.name for path in parts), "README.txt", "cvind.mat"])
    assert advice(FIGSHARE, tmp_path) == (f"{whole} is a zip of it: unpack it, and the zips in it, into {folder}")


def test_a_zip_that_did_not_arrive_whole_is_to_be_downloaded_again(tmp_path):
    whole = pack(tmp_path / "archive.zip", SCANS["kaggle4"]).read_bytes()
    (tmp_path / "archive.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "holidays.zip").write_bytes(b"PK\x03\x04")
    assert advice(KAGGLE, tmp_path) == (
        f"{tmp_path}/archive.zip, which may hold it, is damaged or not complete: download it again from {KAGGLE.source}"
    )
    with pytest.raises(DatasetError, match="is not at "):
        dataset_folder(FIGSHARE, tmp_path)


def test_a_folder_that_is_there_counts_more_than_a_zip(tmp_path):
    pack(tmp_path / "archive.zip", SCANS["kaggle4"])
    put(tmp_path / "archive", SCANS["kaggle4"])
    assert "rename" in advice(KAGGLE, tmp_path)
    (tmp_path / "archive").rename(tmp_path / KAGGLE.folder)
    assert dataset_folder(KAGGLE, tmp_path) and zips_not_unpacked(KAGGLE, tmp_path) == []


def test_one_of_figshare_s_zips_that_was_forgotten_is_named(tmp_path):
    folder = tmp_path / FIGSHARE.folder
    put(folder, SCANS["figshare3"][:1])
    pack(folder / "brainTumorDataPublic_1-766.zip", ["1.mat"])
    forgotten = pack(folder / "brainTumorDataPublic_767-1532.zip", ["767.mat"])
    pack(tmp_path / "1512427.zip", ["brainTumorDataPublic_1-766.zip"])
    assert zips_not_unpacked(FIGSHARE, tmp_path) == [forgotten]


def test_a_class_that_is_still_in_a_zip_is_to_be_unpacked(tmp_path):
    put(tmp_path / FIGSHARE.folder, [name for name in BOXES if "pituitary" not in name])
    for path in (tmp_path / FIGSHARE.folder).rglob("*.txt"):
        path.unlink()
    path = pack(tmp_path / "rest.zip", ["pituitary/2000.jpg", "pituitary/2000.txt"])
    with pytest.raises(
        DatasetError, match=f"none of class pituitary; .*: unpack {path} into {tmp_path / FIGSHARE.folder}$"
    ):
        read_records(FIGSHARE, tmp_path)


def test_pictures_in_sub_folders_of_their_class_folders_are_to_be_moved_up(tmp_path):
    folder = tmp_path / KAGGLE.folder
    put(folder, [name for name in SCANS["kaggle4"] if "glioma/" not in name and "notumor" not in name])
    for part in ("Training", "Testing"):
        put(folder / part, ["glioma/glioma/1.jpg", "glioma/more/even more/2.jpg", "glioma/.hidden/3.jpg"])
    put(folder / "Testing" / "notumor", [".ipynb_checkpoints/1.jpg"])
    with pytest.raises(DatasetError) as caught:
        dataset_folder(KAGGLE, tmp_path)
    assert str(caught.value).splitlines() == [
        "the pictures of 2 class folders lie in sub-folders; move them up into the class folder itself:",
        f"  {folder}/Training/glioma: 2 in glioma and more/even more",
        f"  {folder}/Testing/glioma: 2 in glioma and more/even more",
    ]
