"""A site's own labelled scans: the temperature they need, sets that keep their promise there, and what too few give."""

import io
import json
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from model_zoo import Estimate, ModelError, Score, load_model
from model_zoo.__main__ import main
from model_zoo.conformal import conformal_sets
from model_zoo.labelled_scans import labelled_archive, labelled_scans
from model_zoo.metrics import MILLION
from model_zoo.site_calibration import (
    FEWEST,
    calibrate,
    calibrated,
    fit_temperature,
    least_coverage,
    promises,
    read_calibration,
    site_accuracy,
    write_calibration,
)
from scans import Scan
from tests.conftest import CLASSES


@pytest.fixture
def model(in_tiny_zoo):
    return load_model("tiny-phantom4")


def site(number: int, seed: int, sharp: float = 1.0):
    """Scans as numbers, their labels, and a forward pass that reads the logits of a scan from its first pixels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, number)
    logits = rng.normal(0, 1, (number, 4)) + 1.5 * np.eye(4)[truth]
    return logits * sharp, truth


def with_logits(model, logits):
    """The tiny model, but for its logits: those of the scans in turn."""
    left = list(logits)
    return replace(
        model, runtime=replace(model.runtime, logits=lambda batch: np.array([left.pop(0) for _ in batch], np.float32))
    )


BLANK = Scan(np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64), "")


def calibration_of(model, number: int, seed: int, sharp: float = 1.0, **changes):
    logits, truth = site(number, seed, sharp)
    labels = [CLASSES[k] for k in truth]
    return calibrate(with_logits(model, logits), [BLANK] * number, labels, "here")


def test_a_model_that_is_three_times_too_sure_gets_three_times_the_temperature(model):
    plain, sharp = (calibration_of(model, 400, 0, factor).temperature for factor in (1.0, 3.0))
    assert sharp == pytest.approx(3 * plain, rel=0.02)


def test_few_scans_that_are_all_right_leave_the_temperature_near_the_model_s_own(model):
    """Without a prior the lowest temperature of all would be the most probable."""
    model = replace(model, card=replace(model.card, temperature=1.4))
    truth = np.arange(FEWEST) % 4
    found = calibrate(with_logits(model, 6.0 * np.eye(4)[truth]), [BLANK] * FEWEST, [CLASSES[k] for k in truth], "here")
    assert 0.7 < found.temperature < 1.4


@pytest.mark.parametrize("known", [0.5, 1.7, 2.5])
def test_a_known_temperature_is_recovered_from_many_scans_whatever_the_model_s_own(known):
    """Labels drawn from softmax(z), logits handed over as `known` times z."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (2000, 4))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    assert fit_temperature(known * z, truth, 1.0) == pytest.approx(known, rel=0.05)


def test_the_sets_cover_the_site_s_other_scans_as_promised(model):
    covered = []
    for seed in range(20):
        found = calibration_of(model, 200, seed)
        logits, truth = site(2000, 500 + seed)
        p = np.exp(logits / found.temperature)
        p /= p.sum(axis=1, keepdims=True)
        sets = conformal_sets(p, np.array([found.conformal["90"][label] for label in CLASSES]))
        covered.append(sets[np.arange(len(truth)), truth].mean())
    assert np.mean(covered) == pytest.approx(0.905, abs=0.015)
    assert calibration_of(model, 200, 0).coverage["90"] == pytest.approx(0.9, abs=0.04)


def test_fifty_scans_promise_less_than_a_thousand_and_both_less_than_the_mean():
    """Of 50 scans five may lack: the coverage has the Beta(46, 5) distribution, whose 5th percentile is 0.83."""
    draws = np.random.default_rng(0).beta(46, 5, 200_000)
    assert least_coverage(50, 90) == pytest.approx(np.quantile(draws, 0.05), abs=0.002)
    assert least_coverage(50, 90) < least_coverage(1000, 90) < 0.9


def test_a_class_with_too_few_scans_is_in_every_set_and_says_so(model):
    """The model's own threshold is for probabilities at another temperature: it promises nothing at the site's."""
    own = {"90": dict.fromkeys(CLASSES, 123_456), "95": dict.fromkeys(CLASSES, 234_567)}
    model = replace(model, card=replace(model.card, conformal=own))
    logits, truth = site(60, 1)
    kept = np.flatnonzero((truth != 3) | (np.cumsum(truth == 3) <= 8))  # eight, of which 90 % cannot be told
    labels = [CLASSES[k] for k in truth[kept]]
    found = calibrate(with_logits(model, logits[kept]), [BLANK] * len(kept), labels, "here")
    assert found.scans["pituitary"] == 8 and found.conformal["90"]["pituitary"] == MILLION
    assert "too few scans, so it is in every set" in promises(found)[3]
    assert "at least" in promises(found)[0]


def test_the_left_out_coverage_is_that_of_the_sets_which_are_used(model):
    """At a higher temperature, where thresholds of the model's own would leave the true class out."""
    own = {"90": dict.fromkeys(CLASSES, 300_000), "95": dict.fromkeys(CLASSES, 350_000)}
    model = replace(model, card=replace(model.card, conformal=own))
    reported, covered = [], []
    for seed in range(10):
        found = calibration_of(model, 40, seed, sharp=4.0)
        logits, truth = site(2000, 500 + seed)
        p = np.exp(logits * 4.0 / found.temperature)
        p /= p.sum(axis=1, keepdims=True)
        sets = conformal_sets(p, np.array([found.conformal["95"][label] for label in CLASSES]))
        covered.append(sets[np.arange(len(truth)), truth].mean())
        reported.append(found.coverage["95"])
    assert np.mean(reported) == pytest.approx(np.mean(covered), abs=0.03)


def test_one_scan_that_was_called_another_class_for_certain_is_not_too_few_scans(model):
    truth = np.repeat([0, 1], 20)
    logits = 20.0 * np.eye(4)[truth]
    logits[0] = 20.0 * np.eye(4)[1] * 2
    found = calibrate(with_logits(model, logits), [BLANK] * 40, [CLASSES[k] for k in truth], "here")
    assert "at least" in promises(found)[0] and "too few" not in promises(found)[0]


@pytest.mark.parametrize(("number", "classes"), [(FEWEST - 1, 4), (40, 1)])
def test_too_few_scans_or_one_class_are_refused(model, number, classes):
    labels = [CLASSES[i % classes] for i in range(number)]
    with pytest.raises(ModelError, match="too few to calibrate"):
        calibrate(model, [BLANK] * number, labels, "here")


@pytest.fixture
def folder(tmp_path):
    """Twelve phantoms' worth of noise in two class folders, one named as the user sees it."""
    rng = np.random.default_rng(0)
    for name in ("glioma", "Pituitary tumour"):
        (tmp_path / "site" / name).mkdir(parents=True)
        for i in range(12):
            cv2.imwrite(str(tmp_path / "site" / name / f"{i}.png"), rng.integers(0, 255, (64, 64), np.uint8))
    return tmp_path / "site"


def test_class_folders_have_ids_or_display_names(model, folder):
    model = replace(model, card=replace(model.card, names=("Glioma", "Meningioma", "No tumour", "Pituitary tumour")))
    found = labelled_scans(folder, model.card)
    assert [label for *_, label in found] == ["pituitary"] * 12 + ["glioma"] * 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "astrocytoma").mkdir(), "has the folder 'astrocytoma', which is no class"),
        (lambda folder: (folder / "glioma" / "notes.txt").write_text("x"), r"notes\.txt: .*move such files out"),
    ],
)
def test_a_strange_folder_or_file_is_named(model, folder, change, message):
    (folder / "Pituitary tumour").rename(folder / "pituitary")
    change(folder)
    with pytest.raises(ModelError, match=message):
        labelled_scans(folder, model.card)


def test_an_archive_of_the_folder_gives_the_same_scans_wherever_the_class_folders_lie_in_it(model, folder):
    on_disk = labelled_scans(folder, model.card)
    for above in ("", "site/", "a/b/"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as packed:
            for path in sorted(folder.rglob("*.png"), reverse=True):
                packed.write(path, f"{above}{path.relative_to(folder)}")
        shares = []
        found = labelled_archive(stream.getvalue(), model.card, shares.append)
        assert [(scan.digest, label) for scan, label in found] == [(scan.digest, label) for scan, label in on_disk]
        assert shares == [number / 24 for number in range(1, 25)]


@pytest.mark.parametrize("data", ["../site", "."])
def test_the_command_writes_a_file_that_predict_takes(in_tiny_zoo, folder, tmp_path, capsys, monkeypatch, data):
    (folder / "Pituitary tumour").rename(folder / "pituitary")
    monkeypatch.chdir(folder)
    out = tmp_path / "site.json"
    assert main(["calibrate", "tiny-phantom4", "--data", data, "--out", str(out)]) == 0
    assert "calibrated to site: temperature" in capsys.readouterr().out
    scan = str(folder / "glioma" / "0.png")
    answers = []
    for extra in ([], ["--calibration", str(out)]):
        assert main(["predict", "tiny-phantom4", scan, "--json", *extra]) == 0
        answers.append(json.loads(capsys.readouterr().out)[0])
    assert answers[0]["class"] == answers[1]["class"]
    assert answers[0]["probabilities"] != answers[1]["probabilities"]


@pytest.mark.parametrize(
    ("share", "number", "low", "high"),
    [(1.0, 50, 0.9289, 1.0), (0.0, 20, 0.0, 0.1684), (0.8, 10, 0.4439, 0.9748), (0.5, 100, 0.3983, 0.6017)],
)
def test_the_interval_of_the_accuracy_is_exact_and_never_certain(model, share, number, low, high):
    """The tables of Clopper and Pearson: of 50 scans that are all right, the lower end is 0.025 ** (1 / 50)."""
    found = replace(calibration_of(model, 40, 0), accuracy=share, scans=dict.fromkeys(CLASSES, 0) | {"glioma": number})
    accuracy = site_accuracy(found)
    assert (accuracy.value, accuracy.scans) == (share, number)
    assert (accuracy.low, accuracy.high) == pytest.approx((low, high), abs=1e-4)


def test_a_calibrated_model_has_no_score_that_its_own_temperature_gave(model):
    estimate = Estimate(0.9, 0.8, 1.0, 50)
    names = ("accuracy", "expected calibration error", "coverage of 90 % sets", "share answered at the operating point")
    scores = tuple(Score(name, "test", "all scans", estimate, "predictions.csv") for name in names)
    model = replace(model, card=replace(model.card, scores=scores, operating_point=0.8))
    found = calibrated(model, calibration_of(model, 40, 0))
    assert [score.name for score in found.card.scores] == ["accuracy"] and found.card.operating_point == 0
    assert found.calibration == "Calibrated to here on 40 scans." and not model.calibration
    assert found.prediction_key != model.prediction_key == replace(model).prediction_key


def test_a_calibration_is_read_as_it_was_written(model, tmp_path):
    found = calibration_of(model, 40, 0)
    write_calibration(tmp_path / "site.json", found)
    assert read_calibration(tmp_path / "site.json") == found == read_calibration((tmp_path / "site.json").read_bytes())


def test_a_calibration_of_other_weights_is_refused(model):
    found = replace(calibration_of(model, 40, 0), weights_sha256="0" * 64)
    with pytest.raises(ModelError, match="with other weights"):
        calibrated(model, found)


def test_a_calibration_of_another_model_is_refused(model):
    with pytest.raises(ModelError, match="is for cnn3-kaggle4, not for tiny-phantom4"):
        calibrated(model, replace(calibration_of(model, 40, 0), model="cnn3-kaggle4"))


def test_a_calibration_that_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match=r"none\.json cannot be read as a calibration \(No such file or directory\)"):
        read_calibration(tmp_path / "none.json")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": 1}'])
def test_another_file_is_no_calibration(tmp_path, text):
    (tmp_path / "site.json").write_text(text)
    with pytest.raises(ModelError, match="cannot be read as a calibration"):
        read_calibration(tmp_path / "site.json")


@pytest.mark.real_gate
def test_a_picture_from_which_nothing_is_predicted_is_refused_by_its_name(model, tmp_path):
    (tmp_path / "glioma").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "glioma" / "noise.png"), noise)
    with pytest.raises(ModelError, match=r"noise\.png: This picture .* nothing is predicted"):
        labelled_scans(tmp_path, model.card)
