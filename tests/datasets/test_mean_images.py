"""The scans shown are those of the class, and the mean image is their mean."""

import pytest

from datasets.cards import DATASETS
from datasets.mean_images import collections_of, local_records, mean_images, missing_collections, sample
from datasets.records import DatasetError, Record, load
from scans import InputSpec, fit, phantom
from tests.datasets.small_collections import draw_small_collections

CLASSES = ("glioma", "notumor")
FOLDERS = ["brain-tumor-mri-dataset", "figshare-brain-tumor", "brain-tumor-mri-images-44c"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_small_collections(tmp_path_factory.mktemp("data"))


def test_some_scans_are_the_same_for_a_seed_and_others_for_another():
    records = [Record(f"{label}/{i}", label) for label in ("glioma", "pituitary") for i in range(20)]
    chosen = sample(records, ("glioma", "meningioma", "pituitary"), 5, 0)
    assert list(chosen) == ["glioma", "pituitary"] and all(len(set(own)) == 5 for own in chosen.values())
    assert {record.label for record in chosen["pituitary"]} == {"pituitary"}
    assert chosen == sample(records, ("glioma", "meningioma", "pituitary"), 5, 0)
    assert chosen != sample(records, ("glioma", "meningioma", "pituitary"), 5, 1)
    assert len(sample(records, ("glioma",), 50, 0)["glioma"]) == 20


def test_the_mean_is_of_what_a_model_is_given():
    records = [Record(f"{label}/{seed}", label) for label in CLASSES for seed in range(2)]
    heard = []
    means = mean_images(records, CLASSES, heard.append)
    assert list(means) == list(CLASSES) and heard == [0.25, 0.5, 0.75, 1.0]
    both = [fit(phantom("glioma", seed).scan, InputSpec(160, 160, 1))[0][..., 0] for seed in range(2)]
    assert means["glioma"].image == pytest.approx((both[0] + both[1]) / 2, abs=1e-6)
    assert means["glioma"].scans == 2
    assert sorted(means["glioma"].greys) == sorted(float(load(r).windowed().mean()) for r in records[:2])


def test_a_mean_of_nothing_or_of_a_broken_file_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no scan to take a mean of"):
        mean_images([], CLASSES)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"a\.png cannot be read"):
        mean_images([Record("a.png", "glioma", tmp_path / "a.png")], CLASSES)


def test_a_dataset_is_made_of_itself_and_a_pooled_one_of_its_collections(tmp_path):
    assert collections_of(DATASETS["phantom4"]) == []
    assert collections_of(DATASETS["kaggle4"]) == [DATASETS["kaggle4"]]
    assert [part.folder for part in collections_of(DATASETS["pooled4"])] == FOLDERS
    assert [part.folder for part in missing_collections(DATASETS["pooled13"], tmp_path)] == FOLDERS
    (tmp_path / FOLDERS[1]).mkdir()
    assert [part.folder for part in missing_collections(DATASETS["pooled13"], tmp_path)] == [FOLDERS[0], FOLDERS[2]]


def test_the_records_of_a_pooled_set_are_those_of_the_collections_that_are_here(data, tmp_path):
    found = local_records(DATASETS["pooled4"], data)
    assert {record.cohort for record in found} == {"kaggle", "figshare", "br35h", "44c"}
    assert {record.label for record in found} == set(DATASETS["pooled4"].classes)
    (tmp_path / FOLDERS[1]).symlink_to(data / FOLDERS[1])
    assert {record.cohort for record in local_records(DATASETS["pooled4"], tmp_path)} == {"figshare", "br35h"}


@pytest.mark.parametrize("task", ["kaggle4", "pooled4"])
def test_a_missing_dataset_is_an_error_with_the_way_to_get_it(tmp_path, task):
    with pytest.raises(DatasetError, match="python -m train download kaggle4"):
        local_records(DATASETS[task], tmp_path)


def test_phantoms_are_always_here(tmp_path):
    assert len(local_records(DATASETS["phantom4"], tmp_path)) == 2000
