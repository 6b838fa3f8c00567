"""Every published layout is read as it is published, with its traps."""

import h5py
import numpy as np
import pytest
from PIL import Image

from datasets.annotations import boxes_in_pixels
from datasets.cards import DATASETS, counts, dataset_card, nearest_version, scan_path
from datasets.layouts import PORTUGUESE
from datasets.readers import READERS, read_br35h, read_dementia, read_records
from datasets.records import DatasetError, Record, load
from scans import Box
from tests.datasets.small_collections import mat


def picture(path, value: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((48, 40), np.uint8)
    pixels[10:40, 8:30] = value
    Image.fromarray(pixels).save(path)


@pytest.fixture
def kaggle(tmp_path):
    folder = tmp_path / "brain-tumor-mri-dataset"
    for part, prefix in (("Training", "Tr"), ("Testing", "Te")):
        for label in DATASETS["kaggle4"].classes:
            picture(folder / part / label / f"{prefix}-{label[:2]}_0001.jpg")
    return folder


def test_every_task_has_a_reader_and_every_reader_a_card():
    assert {card.task for card in DATASETS.values()} == set(DATASETS)
    assert set(READERS) == {task for task, card in DATASETS.items() if not card.pooled}


@pytest.mark.parametrize("card", DATASETS.values(), ids=DATASETS)
def test_every_card_says_what_is_wrong_with_its_set_and_where_it_comes_from(card):
    assert card.defects and card.licence and card.citation and card.source
    assert len(card.classes) > 2 or card.defects[0].startswith("Only for external validation")


def test_kaggle_keeps_the_publisher_s_split(kaggle, tmp_path):
    found = read_records(DATASETS["kaggle4"], tmp_path)
    assert counts(found) == {
        split: dict.fromkeys(sorted(DATASETS["kaggle4"].classes), 1) for split in ("test", "train")
    }
    assert found[0].id == "Training/glioma/Tr-gl_0001.jpg"


def test_hidden_folders_and_other_files_are_passed_over(kaggle, tmp_path):
    picture(kaggle / "Testing" / "meningioma" / ".ipynb_checkpoints" / "Te-me_0001-checkpoint.jpg")
    (kaggle / "Testing" / "meningioma" / "notes.txt").write_text("not a scan")
    (kaggle / "Testing" / ".hidden").mkdir()
    assert len(read_records(DATASETS["kaggle4"], tmp_path)) == 8


@pytest.mark.parametrize("name", ["a.JFIF", "a.jpe", "a.Jpg", "a.gif", "a.bmp", "a.webp", "a.TIF"])
def test_a_picture_is_known_by_its_suffix_in_small_or_large_letters(name, kaggle, tmp_path):
    path = kaggle / "Training" / "glioma" / name
    kind = {".jfif": "JPEG", ".jpe": "JPEG"}.get(path.suffix.lower())
    Image.fromarray(np.tile(np.arange(48, dtype=np.uint8), (40, 1))).save(path, format=kind)
    found = next(r for r in read_records(DATASETS["kaggle4"], tmp_path) if r.path == path)
    assert load(found).shape == (40, 48)


def test_a_folder_that_is_named_like_a_picture_is_none(kaggle, tmp_path):
    (kaggle / "Training" / "glioma" / "more.jpg").mkdir()
    assert len(read_records(DATASETS["kaggle4"], tmp_path)) == 8


def test_several_unknown_class_folders_are_refused_together(kaggle, tmp_path):
    for name in ("astrocytoma", "ependymoma"):
        (kaggle / "Training" / name).mkdir()
    with pytest.raises(DatasetError, match="unknown class folders 'astrocytoma' and 'ependymoma': rename them or move"):
        read_records(DATASETS["kaggle4"], tmp_path)


def test_what_a_mac_adds_is_no_class(kaggle, tmp_path):
    picture(kaggle / "Training" / "__MACOSX" / "a.jpg")
    assert len(read_records(DATASETS["kaggle4"], tmp_path)) == 8


def test_an_unknown_class_folder_is_refused_by_name(kaggle, tmp_path):
    (kaggle / "Training" / "astrocytoma").mkdir()
    with pytest.raises(DatasetError, match="unknown class folder 'astrocytoma'"):
        read_records(DATASETS["kaggle4"], tmp_path)


def test_an_empty_class_is_refused_by_name(kaggle, tmp_path):
    for path in kaggle.glob("*/pituitary/*.jpg"):
        path.unlink()
    with pytest.raises(DatasetError, match="none of class pituitary"):
        read_records(DATASETS["kaggle4"], tmp_path)


@pytest.mark.parametrize("task", ["kaggle4", "44c15", "figshare3"])
def test_a_missing_set_says_where_to_get_it(task, tmp_path):
    with pytest.raises(DatasetError, match="get it: "):
        read_records(DATASETS[task], tmp_path)


def test_an_unknown_task_lists_those_there_are():
    with pytest.raises(DatasetError, match="44c15, dementia, figshare3, kaggle4, phantom4"):
        dataset_card("brats")


def test_portuguese_folders_become_english_classes_and_keep_their_sequence(tmp_path):
    for portuguese in PORTUGUESE:
        picture(tmp_path / "brain-tumor-mri-images-44c" / f"{portuguese} T1C+" / "a.jpeg")
    picture(tmp_path / "brain-tumor-mri-images-44c" / "_NORMAL T2" / "b.jpeg")
    found = read_records(DATASETS["44c15"], tmp_path)
    assert {(r.label, r.sequence) for r in found if r.id.startswith("Neurocitoma")} == {("neurocytoma", "T1C+")}
    assert {(r.label, r.sequence) for r in found if r.id.startswith("_NORMAL T2")} == {("normal", "T2")}
    assert load(next(r for r in found if r.sequence == "T2")).sequence == "T2"


@pytest.fixture
def figshare_mat(tmp_path):
    folder = tmp_path / "figshare-brain-tumor"
    for number, label in ((1, 1), (2, 2), (10, 3)):
        mat(folder / f"{number}.mat", label, f"1003{number}")
    with h5py.File(folder / "cvind.mat", "w") as file:
        file["cvind"] = np.zeros((3, 1))
    return folder


def test_figshare_s_matlab_files_are_read_with_patient_mask_and_in_order(figshare_mat, tmp_path):
    found = read_records(DATASETS["figshare3"], tmp_path)
    assert [(r.number, r.label, r.patient) for r in found] == [
        (1, "meningioma", "10031"),
        (2, "glioma", "10032"),
        (10, "pituitary", "100310"),
    ]
    assert boxes_in_pixels(found[0].boxes, (60, 50)) == (Box(12, 10, 24, 30),)


def test_a_matlab_scan_is_upright_and_spans_its_values(figshare_mat, tmp_path):
    scan = load(read_records(DATASETS["figshare3"], tmp_path)[0])
    assert scan.shape == (60, 50) and scan.span == (0.0, 2999.0)
    assert scan.pixels[0, 1] == pytest.approx(1 / 2999) and scan.pixels[1, 0] == pytest.approx(50 / 2999)


BROKEN_MATS = {
    "of an older MATLAB": lambda path: path.write_bytes(b"MATLAB 5.0 MAT-file"),
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:700]),
    "of another content": lambda path: h5py.File(path, "w").close(),
    "with an unknown label": lambda path: mat(path, 7, "10031"),
    "without a mask": lambda path: change(path, lambda data: data.pop("tumorMask")),
    "with a mask in three dimensions": lambda path: change(path, lambda data: replace_mask(data, np.ones((2, 3, 4)))),
    "with a folder for a label": lambda path: change(
        path, lambda data: (data.pop("label"), data.create_group("label"))
    ),
}


def change(path, how) -> None:
    with h5py.File(path, "a") as file:
        how(file["cjdata"])


def replace_mask(data: h5py.Group, mask: np.ndarray) -> None:
    del data["tumorMask"]
    data["tumorMask"] = mask


@pytest.mark.parametrize("how", BROKEN_MATS)
def test_a_broken_matlab_file_gets_a_record_with_its_fault(how, figshare_mat, tmp_path):
    path = figshare_mat / "11.mat"
    mat(path, 1, "100311")
    BROKEN_MATS[how](path)
    *good, broken = read_records(DATASETS["figshare3"], tmp_path)
    assert [record.fault for record in good] == ["", "", ""] and all(record.label for record in good)
    assert broken.label == "" and broken.path == path
    assert broken.fault.startswith(f"{path} is not a figshare slice") and broken.fault.endswith("; download it again")


@pytest.mark.parametrize("image", [np.zeros((3, 4, 5)), np.zeros((0, 4)), np.full((8, 8), np.nan), b"text"])
def test_a_matlab_file_without_a_slice_is_named_when_it_is_loaded(image, figshare_mat, tmp_path):
    with h5py.File(figshare_mat / "2.mat", "a") as file:
        del file["cjdata/image"]
        file["cjdata/image"] = image
    record = read_records(DATASETS["figshare3"], tmp_path)[1]
    with pytest.raises(DatasetError, match=r"2\.mat cannot be read: "):
        load(record)


def test_slices_that_were_unpacked_in_two_places_are_refused(figshare_mat, tmp_path):
    for number in (2, 10):
        mat(figshare_mat / "brainTumorDataPublic_1-766" / f"{number}.mat", 1, "1")
    with pytest.raises(
        DatasetError, match=r"holds 2 slices twice, such as 2\.mat and brain\S+/2\.mat: keep one file of"
    ):
        read_records(DATASETS["figshare3"], tmp_path)


def test_br35h_is_read_beside_figshare_s_own_folders(tmp_path):
    folder = tmp_path / "figshare-brain-tumor"
    mat(folder / "brainTumorDataPublic_1-766" / "1.mat", 1, "1")
    picture(folder / "notumor" / "no1.jpg")
    assert [(record.id, record.label) for record in read_br35h(folder)] == [("notumor/no1.jpg", "notumor")]


def test_figshare_as_pictures_has_boxes_and_leaves_out_the_no_tumour_scans(tmp_path):
    folder = tmp_path / "figshare-brain-tumor"
    for number, label in ((7, "glioma"), (30, "meningioma"), (4, "pituitary")):
        picture(folder / label / f"{number}.jpg")
        (folder / label / f"{number}.txt").write_text("2 0.5 0.25 0.5 0.25")
    picture(folder / "notumor" / "3065.jpg")
    found = read_records(DATASETS["figshare3"], tmp_path)
    assert [r.number for r in found] == [4, 7, 30]
    assert boxes_in_pixels(found[0].boxes, (48, 40)) == (Box(6, 10, 18, 30),)


def test_boxes_of_another_format_and_odd_names_are_faults_of_their_scans(tmp_path):
    folder = tmp_path / "figshare-brain-tumor"
    for name in ("glioma/7", "glioma/copy of 7", "meningioma/30", "meningioma/31", "pituitary/4"):
        picture(folder / f"{name}.jpg")
    (folder / "glioma" / "7.txt").write_text("0.5 0.25 0.5 0.25")
    (folder / "meningioma" / "31.txt").mkdir()
    faults = {record.id: record.fault for record in read_records(DATASETS["figshare3"], tmp_path)}
    assert faults["meningioma/30.jpg"] == faults["pituitary/4.jpg"] == ""
    assert faults["glioma/7.jpg"].startswith(f"{folder / 'glioma' / '7.txt'} should have five numbers")
    assert faults["glioma/copy of 7.jpg"].endswith(
        "copy of 7.jpg should be named by its slice's number, such as 1841.jpg; figshare numbers them"
    )
    assert "31.txt cannot be read (Is a directory)" in faults["meningioma/31.jpg"]


@pytest.mark.parametrize("part", ["", "train/", "test/"])
def test_heads_with_and_without_dementia_are_test_scans_without_a_tumour(part, tmp_path):
    for name in ("NonDemented", "VeryMildDemented"):
        (tmp_path / part / name).mkdir(parents=True)
        (tmp_path / part / name / "1.jpg").touch()
    found = read_dementia(tmp_path)
    assert [(r.id, r.label, r.split) for r in found] == [
        (f"{part}NonDemented/1.jpg", "notumor", "test"),
        (f"{part}VeryMildDemented/1.jpg", "notumor", "test"),
    ]


def test_phantoms_need_no_folder_and_no_test_head_is_a_training_head(tmp_path):
    found = read_records(DATASETS["phantom4"], tmp_path / "nowhere")
    assert nearest_version(found, DATASETS["phantom4"]) == "seeded"
    seeds = {s: {r.id.split("/")[1] for r in found if r.split == s} for s in ("train", "test")}
    assert not seeds["train"] & seeds["test"]
    assert load(found[0]).modality == "MR"


def test_an_unreadable_scan_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    with pytest.raises(DatasetError, match=r"a\.jpg cannot be read"):
        load(Record("a.jpg", "glioma", tmp_path / "a.jpg"))


def made_up(train: dict[str, int], test: dict[str, int]) -> list[Record]:
    return [
        Record(f"{split}/{label}/{i}", label, split=split)
        for split, part in (("train", train), ("test", test))
        for label, number in part.items()
        for i in range(number)
    ]


def test_the_version_of_a_set_follows_from_its_counts():
    card = DATASETS["kaggle4"]
    for version, official in card.versions.items():
        assert nearest_version(made_up(**official), card) == version
    official = card.versions["7,023 images"]
    fewer = made_up(official["train"] | {"notumor": 1591}, official["test"])
    assert nearest_version(fewer, card) == "7,023 images, 4 of them missing, 0 more than published"


@pytest.mark.data
def test_the_real_sets_are_the_versions_their_readme_says(data_folder):
    found = {task: read_records(DATASETS[task], data_folder) for task in ("kaggle4", "44c15", "figshare3")}
    assert {task: len(records) for task, records in found.items()} == {
        "kaggle4": 7019,
        "44c15": 3911,
        "figshare3": 2708,
    }
    assert nearest_version(found["kaggle4"], DATASETS["kaggle4"]).startswith("7,023 images, 4 of them missing")
    assert {r.label for r in found["44c15"]} == set(DATASETS["44c15"].classes)
    assert all(record.boxes for record in found["figshare3"])


def test_a_scan_is_found_below_the_data_or_below_its_dataset_and_nowhere_else(tmp_path):
    here, below = tmp_path / "data" / "glioma", tmp_path / "data" / "figshare-brain-tumor" / "meningioma"
    for folder in (here, below):
        folder.mkdir(parents=True)
        (folder / "1.png").touch()
    (tmp_path / "secret.png").touch()
    data = tmp_path / "data"
    assert scan_path("glioma/1.png", data) == here / "1.png"
    assert scan_path("meningioma/1.png", data, "figshare3") == below / "1.png"
    assert scan_path("meningioma/1.png", data) is None
    assert scan_path("../secret.png", data) is None and scan_path(str(tmp_path / "secret.png"), data) is None
