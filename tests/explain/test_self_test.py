"""A model that computes something else than when it was made is not served; the others are."""

from dataclasses import replace

import numpy as np
import pytest

from explain import Request, explain, self_test
from explain.self_test import main, make_self_test
from model_zoo import ModelError, load_model, models, zoo
from model_zoo.self_test import SELF_TEST, TOLERANCE, read_self_test, require_same_logits, write_self_test
from scans import phantom
from tests.conftest import tiny_network, write_bundle


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A zoo of two bundles, the first with a self-test."""
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    monkeypatch.setattr(self_test, "_passed", set())
    zoo._load.cache_clear()
    for seed, name in enumerate(("a-phantom4", "b-phantom4")):
        write_bundle(tmp_path / name, tiny_network(seed=seed))
    assert main(["a-phantom4"]) == 0
    yield tmp_path / "a-phantom4"
    zoo._load.cache_clear()


def request(name: str = "a-phantom4") -> Request:
    return Request(load_model(name), phantom("glioma", 1, 64).scan, "gradcam")


def other_weights(folder, change: float) -> None:
    """The same bundle, its hash in order, with one bias moved: what another library or processor may do."""
    network = tiny_network(seed=0)
    network.layers[-1].bias.assign_add(np.array([change, 0, 0, 0], np.float32))
    test = (folder / SELF_TEST).read_bytes()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    write_bundle(folder, network)
    (folder / SELF_TEST).write_bytes(test)


def test_a_model_that_computes_what_it_did_is_served_and_explains(folder):
    assert np.isfinite(explain(request()).heat).all()


def test_a_model_without_a_self_test_is_served(folder):
    assert read_self_test(folder.parent / "b-phantom4", load_model("b-phantom4").card) is None
    explain(request("b-phantom4"))


def test_a_model_whose_logits_have_changed_is_not_served_and_the_other_is(folder):
    other_weights(folder, 1.0)
    with pytest.raises(ModelError, match=r"a-phantom4 is not served: .*\(its logits by \d+\.\d %"):
        load_model("a-phantom4")
    assert load_model("b-phantom4").card.id == "b-phantom4"


@pytest.mark.parametrize(("share", "served"), [(0.5, True), (2.0, False)])
@pytest.mark.parametrize("precision", TOLERANCE)
def test_a_difference_within_the_tolerance_of_the_precision_passes(folder, precision, share, served):
    model = load_model("a-phantom4", precision="f32")
    test = read_self_test(folder, model.card)
    gap = share * TOLERANCE[precision] * np.abs(test.logits).max()
    runtime = replace(model.runtime, precision=precision, logits=lambda batch: test.logits + gap)
    if served:
        require_same_logits(folder, model.card, runtime)
    else:
        with pytest.raises(ModelError, match=precision):
            require_same_logits(folder, model.card, runtime)


def test_logits_that_are_no_numbers_are_found(folder):
    model = load_model("a-phantom4")
    runtime = replace(model.runtime, logits=lambda batch: np.full((len(batch), 4), np.nan, np.float32))
    with pytest.raises(ModelError, match="not served"):
        require_same_logits(folder, model.card, runtime)


def test_a_map_that_has_changed_stops_every_explanation(folder):
    test = read_self_test(folder, load_model("a-phantom4").card)
    write_self_test(folder, replace(test, maps=test.maps * 1.05))
    for _ in range(2):  # and again: a failure is not taken for passed
        with pytest.raises(ModelError, match=r"its Grad-CAM by 4\.8 %"):
            explain(request())
    write_self_test(folder, test)
    explain(request())


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip"])
def test_a_damaged_self_test_is_one_sentence(folder, data):
    (folder / SELF_TEST).write_bytes(data)
    zoo._load.cache_clear()
    with pytest.raises(ModelError, match=r"a-phantom4 is not served: its self_test.npz cannot be read"):
        load_model("a-phantom4")


def test_the_self_test_of_another_model_is_refused(folder):
    test = read_self_test(folder, load_model("a-phantom4").card)
    write_self_test(folder, replace(test, pixels=test.pixels[:, ::2, ::2]))
    zoo._load.cache_clear()
    with pytest.raises(ModelError, match="is that of another model"):
        load_model("a-phantom4")


def test_the_same_model_gives_the_same_bytes(folder):
    before = (folder / SELF_TEST).read_bytes()
    make_self_test(load_model("a-phantom4", precision="f32"))
    assert (folder / SELF_TEST).read_bytes() == before


def test_an_unknown_model_is_one_sentence(folder, capsys):
    assert main(["nobody"]) == 2
    assert "no model 'nobody'" in capsys.readouterr().err


@pytest.mark.parametrize("name", models())
def test_every_shipped_model_has_a_self_test(name):
    test = read_self_test(zoo.zoo_folder() / name, models()[name])
    assert test is not None and len(test.pixels) == 3 and np.abs(test.maps).max() > 0
