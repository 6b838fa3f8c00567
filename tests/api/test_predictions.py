"""A prediction over HTTP is the prediction of the library, for every slice and stack, with what the gate says."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from explain import predict
from explain.explanation import NOT_FOR_DIAGNOSIS
from model_zoo import gate, load_model
from model_zoo.__main__ import main as zoo_command
from model_zoo.gate import GateResult
from model_zoo.prediction_set import ANYWAY
from scans import PLANES, read
from tests.api.servers import MODEL, in_zoo, refused, running, scan_file
from tests.conftest import OpenGate
from tests.good_files import dicom_frames, disc, nifti, nifti_pair, png, volume


class ClosedGate(OpenGate):
    """A gate that takes every picture for a CT."""

    def check(self, scan) -> GateResult:
        seen = super().check(scan)
        return GateResult("ct", seen.plane, seen.sequence, seen.brain, seen.probabilities, 0.5, "This is a CT.")


def test_the_probabilities_are_those_of_the_library_to_the_last_digit(client, in_tiny_zoo):
    model = load_model(MODEL)
    for number in range(3):
        data = scan_file(number)
        (seen,), p = client.predict(data, MODEL).predictions, predict(model, read(data)[0]).probabilities
        assert list(seen.probabilities.values()) == [float(x) for x in p]
        assert seen.predicted == model.card.classes[p.argmax()]
        assert (seen.withheld, seen.error) == (None, None)


def test_the_answer_says_which_file_and_weights_and_that_it_is_no_diagnosis(client, in_tiny_zoo):
    answer = client.predict(scan_file(), MODEL)
    assert answer.sha256 == hashlib.sha256(scan_file()).hexdigest()
    assert answer.weights_sha256 == load_model(MODEL).card.weights_sha256
    assert (answer.model, answer.slices, answer.note) == (MODEL, 1, NOT_FOR_DIAGNOSIS)


def test_the_entries_have_the_keys_and_values_of_the_command(client, in_tiny_zoo, tmp_path, capsys):
    path = tmp_path / "scan.png"
    path.write_bytes(scan_file())
    assert zoo_command(["predict", MODEL, str(path), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    (sent,) = client.call("POST", "/predict", files={"file": path.read_bytes()}, data={"model": MODEL}).json()[
        "predictions"
    ]
    own = {key: value for key, value in entry.items() if key not in ("file", "model", "probabilities")}
    assert {key: sent[key] for key in own} == own
    assert sent["probabilities"] == pytest.approx(entry["probabilities"], abs=1e-6)


@pytest.mark.parametrize("plane", PLANES)
def test_a_volume_is_predicted_in_its_middle_in_a_slice_or_in_all(plane, client, in_tiny_zoo):
    data = nifti(volume((40, 48, 36)))
    scans, model = read(data, plane=plane), load_model(MODEL)
    middle = client.predict(data, MODEL, plane=plane)
    assert (middle.slices, middle.predictions[0].slice) == (len(scans), len(scans) // 2)
    (first,) = client.predict(data, MODEL, plane=plane, slice=len(scans) // 3).predictions
    assert first.slice == len(scans) // 3 and first.plane == plane
    every = client.predict(data, MODEL, plane=plane, slice="all").predictions
    assert [each.slice for each in every] == list(range(len(scans)))
    for scan, each in zip(scans, every, strict=True):
        if scan.not_assessable:
            assert each.error == scan.not_assessable and each.probabilities is None
        else:
            assert list(each.probabilities.values()) == predict(model, scan).probabilities.tolist()


def test_a_stack_is_chosen_by_its_name(client, in_tiny_zoo):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in (1, 2):
            archive.writestr(f"{number}.png", scan_file(number))
    first = client.predict(stream.getvalue(), MODEL)
    assert len(first.stacks) == 2 and first.predictions[0].stack == first.stacks[0]
    for number, stack in enumerate(first.stacks, 1):
        (seen,) = client.predict(stream.getvalue(), MODEL, stack=stack).predictions
        p = predict(load_model(MODEL), read(scan_file(number))[0]).probabilities
        assert (seen.stack, list(seen.probabilities.values())) == (stack, p.tolist())


def test_a_slice_that_the_file_has_not_is_refused(client):
    error = refused(client.predict, nifti(volume()), MODEL, slice=4000)
    assert error.status == 422 and "4000" in error.detail


def test_more_slices_than_a_request_may_ask_for_are_refused(tiny_zoo):
    from api.limits import Limits
    from api.service import Service

    with in_zoo(tiny_zoo), running(Service(Limits(slices=3))) as server, server.client() as client:
        error = refused(client.predict, nifti(volume()), MODEL, slice="all")
    assert error.status == 422 and "3" in error.detail


def test_a_pair_of_header_and_voxels_is_one_file(client):
    header, voxels = nifti_pair(volume())
    names = (("a.hdr", header), ("a.img", voxels))
    answers = [
        client.call("POST", "/predict", files=[("file", each) for each in order], data={"model": MODEL}).json()
        for order in (names, names[::-1])
    ]
    assert answers[0] == answers[1] and answers[0]["slices"] == len(read(nifti(volume())))


def test_two_files_that_are_no_pair_are_refused(client):
    files = [("file", ("a.png", scan_file(1))), ("file", ("b.png", scan_file(2)))]
    error = refused(client.call, "POST", "/predict", files=files, data={"model": MODEL})
    assert error.status == 422 and "ZIP" in error.detail


def test_what_the_gate_withholds_is_said_and_predicted_only_where_it_is_asked_for(client, monkeypatch):
    monkeypatch.setattr(gate, "load_gate", ClosedGate)
    monkeypatch.setattr(gate, "_seen", {})
    data = scan_file(7)
    (seen,) = client.predict(data, MODEL).predictions
    assert (seen.withheld, seen.probabilities, seen.predicted, seen.gate.kind) == ("This is a CT.", None, None, "ct")
    (asked,) = client.predict(data, MODEL, anyway=True).predictions
    assert sum(asked.probabilities.values()) == pytest.approx(1)
    assert asked.reasons == [f"{ANYWAY} This is a CT."] and asked.set_level == 95
    error = refused(client.explain, data, MODEL, "gradcam")
    assert (error.status, error.detail) == (422, "This is a CT.")
    job = client.wait(client.explain(data, MODEL, "gradcam", anyway=True))
    assert client.manifest(job.id)["reasons"] == [f"{ANYWAY} This is a CT."]


def test_the_frames_of_a_dicom_file_are_its_slices(client):
    frames = np.stack([disc() * share for share in (0.5, 0.75, 1)])
    assert client.predict(dicom_frames(frames), MODEL, slice="all").slices == 3


def test_a_model_without_an_index_has_no_similar_cases(client):
    found = client.similar(png(disc()), MODEL)
    assert found.cases == [] and found.summary and found.note
