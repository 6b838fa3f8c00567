"""Tables come back as they were written, and a table that cannot be trusted is refused with a sentence."""

import numpy as np
import pytest

from model_zoo import ModelError
from model_zoo.tables import (
    PredictionRow,
    read_cohorts,
    read_predictions,
    read_shortcut_tests,
    read_sources,
    write_cohorts,
    write_predictions,
    write_shortcut_tests,
    write_sources,
)
from tests.conftest import CLASSES
from tests.model_zoo.written_tables import cohorts, predictions, shortcut_rows, sources

TABLES = {
    "predictions.csv": (write_predictions, read_predictions, predictions),
    "cohorts.csv": (write_cohorts, read_cohorts, cohorts),
    "shortcut_tests.csv": (write_shortcut_tests, read_shortcut_tests, shortcut_rows),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_comes_back_as_it_was_written(tmp_path, name):
    write, read, rows = TABLES[name]
    write(tmp_path / name, CLASSES, rows())
    assert read(tmp_path / name, CLASSES) == rows()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_sources_come_back_as_they_were_written(tmp_path):
    write_sources(tmp_path / "sources.csv", sources())
    assert read_sources(tmp_path / "sources.csv") == sources()


def test_an_awkward_name_comes_back_too(tmp_path):
    row = PredictionRow('folder, with "quotes"/Größe.jpg', "g", "test", True, "glioma", (1, 0, 0, 0), "T1C+")
    write_predictions(tmp_path / "predictions.csv", CLASSES, [row])
    assert read_predictions(tmp_path / "predictions.csv", CLASSES) == [row]


def test_probabilities_are_rounded_as_in_the_file(tmp_path):
    """A score must be the same before and after: the sixth decimal is the last, in memory too."""
    p = np.random.default_rng(0).dirichlet(np.ones(4), 200).astype(np.float32)
    rows = [PredictionRow(f"{i}", "g", "test", np.bool_(i % 2), "glioma", tuple(row)) for i, row in enumerate(p)]
    write_predictions(tmp_path / "predictions.csv", CLASSES, rows)
    assert read_predictions(tmp_path / "predictions.csv", CLASSES) == rows


def test_a_table_in_the_words_of_an_older_candor_is_refused(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("id,group,split,twin,truth,sequence,p_a,p_b\n1,g,test,1,a,T1,0.25,0.75\n")
    with pytest.raises(ModelError, match=r"\(near_duplicate, twin\)"):
        read_predictions(path, ("a", "b"))


def test_the_columns_may_stand_in_any_order(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("p_b,p_a,sequence,id,group,split,near_duplicate,truth\n0.75,0.25,T1,1,g,test,1,a\n")
    assert read_predictions(path, ("a", "b"))[0].probabilities == (0.25, 0.75)


HEAD = "id,group,split,near_duplicate,truth,sequence,p_a,p_b\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "other columns.*p_a"),
        (HEAD.replace(",p_b", ""), r"other columns.*\(p_b\)"),
        (HEAD.replace("p_b", "p_b,p_c"), r"other columns.*\(p_c\)"),
        (HEAD.replace("p_b", "p_b,p_b"), "there twice"),
        (HEAD + "1,g,test,1,a,T1,0.5\n", "line 2: 7 values for 8 columns"),
        (HEAD + "1,g,test,yes,a,T1,0.5,0.5\n", "line 2: near_duplicate is 'yes'"),
        (HEAD + "1,g,test,1,c,T1,0.5,0.5\n", "line 2: the truth 'c' is not one"),
        (HEAD + "1,g,test,1,a,T1,0.5,0.5\n2,g,test,1,a,T1,0.5,0.6\n", "line 3: the probabilities do not sum to 1"),
        (HEAD + "1,g,test,1,a,T1,1.5,-0.5\n", "below 0"),
        (HEAD + "1,g,test,1,a,T1,nan,1\n", "do not sum to 1"),
        (HEAD + "1,g,test,1,a,T1,half,0.5\n", "line 2: could not convert"),
        (HEAD + "1,g,test,1,a,T1,0.5,0.5\n1,h,test,1,a,T1,0.5,0.5\n", "line 3: the scan 1 of test is there twice"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused_with_its_place(tmp_path, text, reason):
    path = tmp_path / "tiny" / "predictions.csv"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ModelError, match=f"tiny/predictions.csv.*{reason}.*measure the model again"):
        read_predictions(path, ("a", "b"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "sources.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ModelError, match="cannot be read as a table"):
        read_sources(tmp_path / "sources.csv")


def test_predictions_for_other_classes_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        write_predictions(tmp_path / "predictions.csv", CLASSES, [PredictionRow("1", "g", "test", False, "a", (1, 0))])
    assert not list(tmp_path.iterdir())
