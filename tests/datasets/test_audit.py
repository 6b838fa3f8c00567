"""The audit finds the near-duplicates that were hidden in a made-up set, and writes them down."""

import csv
import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from datasets.audit import AUDITS_FOLDER, audit
from datasets.cards import DATASETS
from datasets.leakage import NearDuplicatePair, listed_pairs
from datasets.near_duplicates import positioned
from datasets.records import Record
from scans import phantom
from train.__main__ import main

CARD = DATASETS["kaggle4"]
KAGGLE, FIGSHARE, C44 = "brain-tumor-mri-dataset", "figshare-brain-tumor", "brain-tumor-mri-images-44c"


def save(path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A Kaggle set of twelve heads and five hidden near-duplicates, two slices of figshare and one of Br35H."""
    folder = tmp_path_factory.mktemp("data")
    heads = {(label, seed): phantom(label, seed, 160).scan.pixels for label in CARD.classes for seed in range(3)}
    for (label, seed), pixels in heads.items():
        save(folder / KAGGLE / ("Testing" if seed == 2 else "Training") / label / f"{seed}.png", pixels)
    training, testing = folder / KAGGLE / "Training", folder / KAGGLE / "Testing"
    save(training / "notumor" / "copy.png", heads["notumor", 0])
    save(testing / "notumor" / "turned.png", positioned(heads["notumor", 1], 2))
    save(testing / "glioma" / "mirrored.png", positioned(heads["glioma", 0], 4))
    save(testing / "pituitary" / "in-test.png", heads["pituitary", 2])
    save(testing / "meningioma" / "contradicts.png", positioned(heads["pituitary", 1], 4))
    save(folder / FIGSHARE / "glioma" / "7.png", positioned(heads["glioma", 0], 4))
    save(folder / FIGSHARE / "meningioma" / "8.png", phantom("meningioma", 50, 160).scan.pixels)
    save(folder / FIGSHARE / "pituitary" / "9.png", phantom("pituitary", 51, 160).scan.pixels)
    save(folder / FIGSHARE / "notumor" / "n.png", heads["notumor", 1])
    return folder


@pytest.fixture(scope="module")
def out(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audits") / "kaggle4"
    assert main(["audit", "kaggle4", "--data", str(data), "--out", str(folder), "--across"]) == 0
    return folder


def table(path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pairs_of(rows: list[dict]) -> dict[frozenset, tuple]:
    """The two scans of each row -> position, exact copy, contradicts."""
    return {
        frozenset([row["id_a"], row["id_b"]]): (row["position"], row["exact_copy"], row["contradicts"]) for row in rows
    }


HIDDEN = {
    frozenset(["Training/notumor/0.png", "Training/notumor/copy.png"]): ("as is", "1", "0"),
    frozenset(["Training/notumor/1.png", "Testing/notumor/turned.png"]): ("turned by 180°", "0", "0"),
    frozenset(["Training/glioma/0.png", "Testing/glioma/mirrored.png"]): ("mirrored", "0", "0"),
    frozenset(["Testing/pituitary/2.png", "Testing/pituitary/in-test.png"]): ("as is", "1", "0"),
    frozenset(["Training/pituitary/1.png", "Testing/meningioma/contradicts.png"]): ("mirrored", "0", "1"),
}
OTHERS = {
    frozenset(["Training/glioma/0.png", f"{FIGSHARE}/glioma/7.png"]): ("mirrored", "0", "0"),
    frozenset(["Testing/glioma/mirrored.png", f"{FIGSHARE}/glioma/7.png"]): ("as is", "1", "0"),
    frozenset(["Training/notumor/1.png", f"{FIGSHARE}/notumor/n.png"]): ("as is", "1", "0"),
    frozenset(["Testing/notumor/turned.png", f"{FIGSHARE}/notumor/n.png"]): ("turned by 180°", "0", "0"),
}


def test_every_hidden_near_duplicate_is_in_the_table_and_no_other(out):
    assert pairs_of(table(out / "near_duplicates.csv")) == HIDDEN | OTHERS


def test_contradictions_come_first_and_sets_are_named(out):
    rows = table(out / "near_duplicates.csv")
    assert [row["contradicts"] for row in rows] == ["1"] + ["0"] * 8
    assert (rows[0]["label_a"], rows[0]["label_b"]) == ("pituitary", "meningioma")
    sets = {row["id_b"]: (row["dataset_b"], row["split_b"]) for row in rows}
    assert sets[f"{FIGSHARE}/glioma/7.png"] == ("figshare", "") and sets[f"{FIGSHARE}/notumor/n.png"] == ("br35h", "")
    assert {(row["dataset_a"], row["split_a"]) for row in rows} == {("kaggle", "train"), ("kaggle", "test")}


def test_every_scan_has_a_row_with_what_it_is(out, data):
    rows = {row["id"]: row for row in table(out / "scans.csv")}
    assert len(rows) == 17
    row = rows["Testing/glioma/mirrored.png"]
    file = data / KAGGLE / "Testing" / "glioma" / "mirrored.png"
    assert row["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    assert (row["width"], row["height"]) == ("160", "160")
    assert float(row["mean_grey"]) == pytest.approx(np.asarray(Image.open(file)).mean() / 255, abs=5e-4)
    assert (row["label"], row["split"], row["near_duplicates"], row["near_duplicate_in_training"]) == (
        "glioma",
        "test",
        "1",
        "1",
    )
    assert row["near_duplicates_elsewhere"] == "1" and row["group"] == rows["Training/glioma/0.png"]["group"]
    assert rows["Testing/pituitary/2.png"]["near_duplicate_in_training"] == "0"  # its near-duplicate is a test scan too
    assert rows["Testing/glioma/2.png"]["near_duplicates"] == "0"


def test_the_summary_counts_what_was_hidden(out):
    summary = json.loads((out / "summary.json").read_text())
    assert summary["scans"] == 17 and summary["groups"] == 12
    assert summary["counts"]["test"] == {"glioma": 2, "meningioma": 2, "notumor": 2, "pituitary": 2}
    assert summary["near_duplicates"]["pairs"] == 5 and summary["near_duplicates"]["scans"] == 10
    assert summary["near_duplicates"]["by_position"] == {"as is": 2, "turned by 180°": 1, "mirrored": 2}
    assert summary["leakage"] == {"scans": 3, "of": 8, "by_class": {"glioma": 1, "meningioma": 1, "notumor": 1}}
    assert summary["exact_copies"] == {"scans": 4, "to_spare": 2} and summary["contradicting_pairs"] == 1
    assert summary["seconds"] >= 0 and summary["version"].startswith("7,0") and "missing" in summary["version"]


def test_the_summary_counts_what_is_shared_with_the_sets_that_are_there(out):
    summary = json.loads((out / "summary.json").read_text())["other_collections"]
    assert set(summary) == {"figshare", "br35h"}  # 44c is not in the folder
    assert {name: summary[name]["scans"] for name in summary} == {"figshare": 3, "br35h": 1}
    assert {name: summary[name]["pairs"] for name in summary} == {"figshare": 2, "br35h": 2}
    assert summary["figshare"]["scans_here"] == 2 and summary["figshare"]["scans_there"] == 1


def test_the_advice_is_printed(data, tmp_path, capsys):
    assert audit(CARD, data, tmp_path / "here") == 0
    lines = capsys.readouterr().out.splitlines()
    for words in (
        ("version", "7,023 images"),
        ("4 files", "byte-identical", "2 can go"),
        ("3 of 8 test scans", "38%", "near-duplicate in training"),
        ("score the other 5 test scans",),
        (
            "contradicting labels",
            "Training/pituitary/1.png is pituitary",
            "Testing/meningioma/contradicts.png is menin",
        ),
    ):
        assert any(all(word in line for word in words) for line in lines), words


def test_other_sets_are_compared_only_on_request(data, tmp_path):
    audit(CARD, data, tmp_path / "here")
    assert pairs_of(table(tmp_path / "here" / "near_duplicates.csv")) == HIDDEN
    assert {row["near_duplicates_elsewhere"] for row in table(tmp_path / "here" / "scans.csv")} == {""}
    assert json.loads((tmp_path / "here" / "summary.json").read_text())["other_collections"] == {}


def test_an_audit_says_which_other_sets_are_not_there_and_counts_nothing_of_them(data, tmp_path, capsys):
    assert main(["audit", "kaggle4", "--data", str(data), "--out", str(tmp_path / "some"), "--across"]) == 0
    assert f"not below {data}, so not compared: 44c, dementia\n" in capsys.readouterr().out
    (tmp_path / KAGGLE).symlink_to(data / KAGGLE)
    assert main(["audit", "kaggle4", "--data", str(tmp_path), "--out", str(tmp_path / "none"), "--across"]) == 0
    assert f"not below {tmp_path}, so not compared: figshare, br35h, 44c, dementia\n" in capsys.readouterr().out
    assert {row["near_duplicates_elsewhere"] for row in table(tmp_path / "none" / "scans.csv")} == {""}


def test_a_set_without_a_published_split_has_no_leakage_but_its_near_duplicates(data, tmp_path, capsys):
    assert main(["audit", "figshare3", "--data", str(data), "--out", str(tmp_path), "--across"]) == 0
    assert "split by group" not in capsys.readouterr().out  # its three slices are no near-duplicates of each other
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["leakage"]["of"] == 0 and set(summary["other_collections"]) == {"kaggle", "br35h"}
    assert {row["near_duplicate_in_training"] for row in table(tmp_path / "scans.csv")} == {""}
    assert {row["sequence"] for row in table(tmp_path / "scans.csv")} == {"T1C+"}


def test_an_audit_made_again_replaces_the_files_and_leaves_no_other(data, tmp_path):
    for _ in range(2):
        audit(CARD, data, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["near_duplicates.csv", "scans.csv", "summary.json"]
    assert len(table(tmp_path / "near_duplicates.csv")) == 5


def pair(i: int, j: int, bits: int = 0, label: str = "glioma", **other) -> NearDuplicatePair:
    a, b = (
        Record(str(i), "glioma", split="train", cohort="kaggle"),
        Record(str(j), label, split="train", cohort="kaggle"),
    )
    return NearDuplicatePair(i, j, a, replace(b, **other), "as is", bits, 1.0, False)


def test_a_cluster_is_listed_by_each_scan_s_nearest_near_duplicate():
    """Five scans, ten pairs, all nearest to scan 0: four rows name every scan; a contradiction stays whatever."""
    near = [pair(0, j, bits=1) for j in range(1, 5)]
    far = [pair(i, j, bits=5) for i in range(1, 5) for j in range(i + 1, 5)]
    assert listed_pairs([*far, *near], own=5) == near
    odd = pair(2, 3, bits=6, label="meningioma")
    assert listed_pairs([*far, *near, odd], own=5) == [odd, *near]


def test_the_nearest_near_duplicate_of_every_split_and_set_is_listed():
    rows = [pair(0, 1), pair(0, 2, split="test"), pair(0, 3, cohort="figshare"), pair(0, 4, bits=2, cohort="figshare")]
    assert listed_pairs(rows, own=3) == rows[:3]


@pytest.mark.parametrize(
    ("label", "cohort", "contradicts"),
    [
        ("glioma", "kaggle", False),
        ("meningioma", "kaggle", True),
        ("astrocytoma", "44c", False),  # a kind of glioma
        ("normal", "44c", True),
        ("schwannoma", "44c", True),
        ("meningioma", "figshare", True),
    ],
)
def test_labels_of_two_sets_contradict_by_what_they_share(label, cohort, contradicts):
    assert pair(0, 1, label=label, cohort=cohort).contradicts == contradicts


def test_no_tumour_by_another_name_is_no_contradiction():
    healthy = pair(0, 1, label="normal", cohort="44c")
    assert not replace(healthy, a=replace(healthy.a, label="notumor")).contradicts


@pytest.mark.parametrize("task", ["kaggle4", "figshare3", "44c15"])
def test_the_tables_in_the_repository_are_whole(task):
    summary = json.loads((AUDITS_FOLDER / task / "summary.json").read_text())
    scans, pairs = (table(AUDITS_FOLDER / task / name) for name in ("scans.csv", "near_duplicates.csv"))
    assert len(scans) == summary["scans"] and len({row["id"] for row in scans}) == len(scans)
    assert sum(int(row["near_duplicates"]) > 0 for row in scans) == summary["near_duplicates"]["scans"]
    assert len({row["group"] for row in scans}) == summary["groups"]
    named = {row[side] for row in pairs for side in ("id_a", "id_b")}
    assert {row["id"] for row in scans if int(row["near_duplicates"]) or int(row["near_duplicates_elsewhere"])} <= named
    other = sum(shared["contradicting_pairs"] for shared in summary["other_collections"].values())
    assert sum(row["contradicts"] == "1" for row in pairs) == summary["contradicting_pairs"] + other


@pytest.mark.slow
@pytest.mark.data
def test_the_tables_in_the_repository_are_those_of_the_real_set(data_folder, tmp_path, capsys):
    assert audit(CARD, data_folder, tmp_path) == 0
    printed = capsys.readouterr().out
    assert "7,023 images, 4 of them missing" in printed and "contradicting labels: " in printed
    summary, kept = (json.loads((f / "summary.json").read_text()) for f in (tmp_path, AUDITS_FOLDER / "kaggle4"))
    assert f"{kept['leakage']['scans']} of 1311 test scans" in printed
    for changing in ("other_collections", "seconds", "processor_seconds"):
        del summary[changing], kept[changing]
    assert summary == kept
    assert not [path for path in tmp_path.iterdir() if path.suffix not in (".csv", ".json")]
