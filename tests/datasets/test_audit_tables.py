"""What an audit stored is read back whole, counted right, and refused in one sentence where it is damaged."""

import json
import shutil

import pytest

from datasets.audit import AUDITS_FOLDER
from datasets.audit_tables import (
    PAIR_FILTERS,
    AuditTables,
    Pair,
    Row,
    Side,
    brightness,
    class_counts,
    differences,
    leakage,
    percentiles,
    read_audit,
    read_pairs,
    sizes,
)
from datasets.cards import DATASETS
from datasets.records import DatasetError

CARD = DATASETS["kaggle4"]
SCANS = (
    "id,label,split,sequence,group,near_duplicates,near_duplicate_in_training,near_duplicates_elsewhere,"
    """width,height,mean_grey,sha256
Training/glioma/1.jpg,glioma,train,,g0,1,1,,100,80,0.100,aa
Training/glioma/2.jpg,glioma,train,,g1,0,0,,100,80,0.200,bb
Testing/glioma/3.jpg,glioma,test,,g0,1,1,,100,80,0.300,cc
Testing/pituitary/4.jpg,pituitary,test,,g2,0,0,,50,60,0.500,dd
"""
)
PAIRS = (
    "id_a,dataset_a,split_a,label_a,id_b,dataset_b,split_b,label_b,"
    """position,bits_apart,correlation,exact_copy,contradicts
Training/glioma/1.jpg,kaggle,train,glioma,Testing/glioma/3.jpg,kaggle,test,glioma,mirrored,3,0.990,0,0
Testing/pituitary/4.jpg,kaggle,test,pituitary,figshare-brain-tumor/glioma/7.jpg,figshare,,glioma,as is,0,1.000,1,1
"""
)
SUMMARY = {"scans": 4, "version": "4 images", "other_collections": {"br35h": {"scans": 9}}}


@pytest.fixture
def folder(tmp_path):
    """The tables of a Kaggle set of four scans, of which one test scan leaks and one contradicts a figshare slice."""
    place = tmp_path / "kaggle4"
    place.mkdir()
    (place / "scans.csv").write_text(SCANS)
    (place / "near_duplicates.csv").write_text(PAIRS)
    (place / "summary.json").write_text(json.dumps(SUMMARY))
    return tmp_path


def test_scans_are_counted_by_split_and_class_with_a_zero_where_there_is_none(folder):
    tables = read_audit(CARD, folder)
    assert tables.scans == 4
    assert class_counts(tables, "split") == {
        "train": {"glioma": 2, "meningioma": 0, "notumor": 0, "pituitary": 0},
        "test": {"glioma": 1, "meningioma": 0, "notumor": 0, "pituitary": 1},
    }
    assert list(class_counts(tables, "sequence")) == ["sequence not stated"]
    assert list(class_counts(tables, "cohort")) == ["kaggle"]


def test_only_test_scans_leak(folder):
    assert leakage(read_audit(CARD, folder)) == {"glioma": (1, 1), "pituitary": (0, 1)}


def test_sizes_and_brightness_are_those_of_the_table(folder):
    tables = read_audit(CARD, folder)
    assert sizes(tables) == {(100, 80): 3, (50, 60): 1}
    assert list(brightness(tables)) == ["glioma", "pituitary"]
    assert brightness(tables)["glioma"][2] == pytest.approx(0.2)
    assert percentiles(range(101)) == (5, 25, 50, 75, 95)


def test_pairs_name_files_below_the_data_folder_and_contradictions_come_first(folder):
    first, second = read_pairs(CARD, folder)
    test, figshare = Side("brain-tumor-mri-dataset/Testing/pituitary/4.jpg", "kaggle", "test", "pituitary"), first.b
    assert first == Pair(test, figshare, "as is", 0, 1.0, True, True)
    assert figshare == Side("figshare-brain-tumor/glioma/7.jpg", "figshare", "", "glioma")
    assert second.leaks and not first.leaks
    assert {
        title: [pair is first for pair in (first, second) if keeps(pair)] for title, keeps in PAIR_FILTERS.items()
    } == {
        "All": [True, False],
        "Contradicting labels": [True],
        "Training and test": [False],
        "Exact copies": [True],
        "Other collections": [True],
    }


def test_the_nearest_published_version_is_compared(folder):
    rows = differences(read_audit(CARD, folder))
    assert ("train", "glioma", 1321, 2) in rows and ("test", "pituitary", 300, 1) in rows and len(rows) == 8
    assert differences(AuditTables(DATASETS["44c15"], (Row("a", "normal", ""),), {}, {})) == []


def test_a_set_without_a_split_is_compared_as_a_whole():
    card = DATASETS["figshare3"]
    published = card.versions["3,064 slices"]["all"]
    rows = tuple(Row(str(i), label, "") for label, n in published.items() for i in range(n))
    assert all(
        split == "all" and published == here
        for split, _, published, here in differences(AuditTables(card, rows, {}, {}))
    )


DAMAGES = {
    "no table": lambda place: (place / "scans.csv").unlink(),
    "no summary": lambda place: (place / "summary.json").unlink(),
    "a summary cut short": lambda place: (place / "summary.json").write_text('{"scans": '),
    "another table": lambda place: (place / "scans.csv").write_text("a,b\n1,2\n"),
    "a line cut short": lambda place: (place / "scans.csv").write_text(SCANS[:-20]),
    "not text": lambda place: (place / "scans.csv").write_bytes(b"\xff\xfe\x00" * 50),
    "a directory": lambda place: ((place / "scans.csv").unlink(), (place / "scans.csv").mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_gets_a_sentence_that_says_how_to_make_it_again(folder, damage):
    DAMAGES[damage](folder / "kaggle4")
    with pytest.raises(DatasetError, match=r"missing or damaged .*`python -m train audit kaggle4 --across`\.$"):
        read_audit(CARD, folder)


def test_a_damaged_table_of_pairs_leaves_the_scans(folder):
    (folder / "kaggle4" / "near_duplicates.csv").write_text("id_a\nx\n")
    assert read_audit(CARD, folder).scans == 4
    with pytest.raises(DatasetError, match="missing or damaged"):
        read_pairs(CARD, folder)


@pytest.mark.parametrize("task", DATASETS)
def test_what_is_stored_of_every_dataset_adds_up(task):
    card = DATASETS[task]
    tables = read_audit(card)
    for by in ("split", "sequence", "cohort"):
        groups = class_counts(tables, by)
        assert sum(sum(numbers.values()) for numbers in groups.values()) == tables.scans > 0
        assert all(list(numbers) == list(card.classes) for numbers in groups.values())
    for summary in tables.summaries.values() if not card.pooled else ():
        assert summary["scans"] == tables.scans
        assert summary["leakage"]["scans"] == sum(n for n, _ in leakage(tables).values())
        inside = [pair for pair in read_pairs(card) if pair.contradicts and pair.a.cohort == pair.b.cohort]
        assert len(inside) == summary["contradicting_pairs"]


def test_a_pooled_set_is_its_collections_with_the_labels_they_share():
    tables = read_audit(DATASETS["pooled13"])
    assert tables.scans == sum(s["scans"] for s in tables.summaries.values()) + tables.unlisted["br35h", "notumor"]
    by = class_counts(tables, "cohort")
    assert list(by) == ["kaggle", "figshare", "br35h", "44c"]
    assert by["br35h"]["notumor"] == sum(by["br35h"].values()) == tables.unlisted["br35h", "notumor"]
    assert "normal" in {row.label for row in read_audit(DATASETS["44c15"]).rows} and by["44c"]["notumor"] > 0
    assert class_counts(read_audit(DATASETS["pooled4"]), "cohort")["44c"]["pituitary"] == 0


def test_a_pair_of_two_collections_is_listed_once():
    ids = [frozenset((pair.a.id, pair.b.id)) for pair in read_pairs(DATASETS["pooled4"])]
    assert len(ids) == len(set(ids))


def test_phantoms_are_counted_without_a_table():
    tables = read_audit(DATASETS["phantom4"])
    assert class_counts(tables, "split") == {"train": dict.fromkeys(tables.card.classes, 400)} | {
        "test": dict.fromkeys(tables.card.classes, 100)
    }
    assert leakage(tables) == {} and not sizes(tables) and read_pairs(tables.card) == ()


def test_one_missing_audit_is_reported_for_the_pooled_set_too(tmp_path):
    shutil.copytree(AUDITS_FOLDER / "44c15", tmp_path / "44c15")
    with pytest.raises(DatasetError, match="kaggle4 or figshare3 or 44c15 is missing or damaged"):
        read_audit(DATASETS["pooled4"], tmp_path)
