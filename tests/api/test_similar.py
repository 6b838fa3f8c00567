"""Similar cases over HTTP, by a model that ships with its index, on a server with the real zoo and gate."""

import pytest

from api.service import Service
from explain import predict
from explain.similar.known import known_cases
from model_zoo import load_model
from scans import phantom, read
from tests.api.servers import running
from tests.good_files import png

MODEL = "candor-figshare3"

pytestmark = [pytest.mark.slow, pytest.mark.real_gate]


def test_similar_cases_are_those_of_the_library_without_names_of_files():
    data = png(phantom("meningioma", 3).scan.pixels)
    model, scan = load_model(MODEL), read(data)[0]
    cases = known_cases(model, scan, predict(model, scan))
    assert cases
    with running(Service()) as server, server.client() as client:
        found = client.similar(data, MODEL)
        assert client.ready().status == "ready"
    assert [(each.label, each.distance) for each in found.cases] == [(case.label, case.distance) for case in cases]
    assert not any(case.name in found.model_dump_json() for case in cases)
