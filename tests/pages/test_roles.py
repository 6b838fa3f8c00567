"""What each role may see on the pages, and what a session leaves in the audit log."""

import json
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import pages.components.gate  # noqa: F401  # before a test replaces the gate that it imports
from explain.audit import keep_in
from scans import phantom
from tests.good_files import png
from tests.pages.conftest import SAMPLE, errors, labels, open_app, press, state_of, until_done, upload

NOISE = png(np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8))
SECRETS = {
    "auth": {
        "redirect_uri": "http://localhost:8501/oauth2callback",
        "cookie_secret": "x" * 32,
        "client_id": "candor",
        "client_secret": "secret",
        "server_metadata_url": "http://localhost:9/.well-known/openid-configuration",
    },
    "candor": {"engineer": ["physics"], "user": ["radiology"]},
}
FOR_ENGINEERS = ("pages/datasets.py", "pages/site_calibration.py")


def signed_in(app, *groups: str, **changes):
    """Return the app as somebody of these groups sees it; `changes` overwrite the claims."""
    app.secrets["auth"], app.secrets["candor"] = SECRETS["auth"], SECRETS["candor"]
    app.user = {"is_logged_in": True, "sub": "ada", "name": "Ada", "groups": list(groups), "iat": time.time()} | changes
    return app


@pytest.fixture
def log(tmp_path):
    """Return the lines of the audit log that is kept during a test, without their time, by a call."""
    keep_in(tmp_path / "log")
    yield lambda: [
        {name: value for name, value in json.loads(line).items() if name != "time"}
        for path in sorted((tmp_path / "log").iterdir())
        for line in path.read_text().splitlines()
    ]
    keep_in(None)


@pytest.mark.parametrize("page", FOR_ENGINEERS)
def test_a_page_for_engineers_says_so_to_a_user_in_one_sentence(page, queue, log):
    app = signed_in(open_app(queue, page=page), "radiology").run()
    (sentence,) = errors(app)
    assert "engineers" in sentence and not app.selectbox and not app.tabs
    assert [line["event"] for line in log()] == ["refusal"]
    app = signed_in(open_app(queue, page=page), "physics").run()
    assert errors(app) == [] and (app.selectbox or app.tabs)


@pytest.mark.parametrize("page", ["app.py", "pages/explain_scan.py", "pages/about.py"])
@pytest.mark.parametrize(
    "changes",
    [{"is_logged_in": False}, {"sub": ""}, {"groups": ["kitchen"]}, {"groups": None}, {"iat": 1.0}, {"iat": None}],
    ids=str,
)
def test_nobody_without_a_login_or_a_role_sees_anything_of_a_page(page, changes, queue):
    app = signed_in(open_app(queue, page=page), "physics", **changes).run()
    (sentence,) = errors(app)
    assert "reload" in sentence and not app.button and not app.file_uploader and not app.table


def test_the_frame_says_who_is_signed_in_and_leads_out(queue):
    app = signed_in(open_app(queue), "radiology").run()
    assert not errors(app) and "Sign out" in labels(app)
    assert any("Ada" in text.value and "user" in text.value for text in app.text)
    assert "Sign out" not in labels(open_app(queue).run())


@pytest.mark.real_gate
def test_what_the_gate_withholds_is_for_engineers_to_ask_for(in_tiny_zoo, queue, log):
    app = signed_in(open_app(queue), "radiology").run()
    upload(app, ("noise.png", NOISE))
    assert len(errors(app)) == 1 and not app.toggle and not state_of(app).anyway
    app.run()
    (line,) = log()
    assert line["event"] == "refusal" and line["gate"] == "withheld" and len(line["scan"]) == 64
    app = signed_in(open_app(queue, anyway=True), "radiology").run()
    upload(app, ("noise.png", NOISE))
    assert len(errors(app)) == 1 and not state_of(app).anyway
    app = signed_in(open_app(queue), "physics").run()
    upload(app, ("noise.png", NOISE))
    app.toggle(key="anyway").set_value(True).run()
    assert not errors(app)
    assert log()[-2]["gate"].startswith("withheld, ") or log()[-1]["gate"].startswith("withheld, ")


def test_a_session_leaves_each_prediction_and_explanation_once_and_no_name(in_tiny_zoo, queue, log):
    app = open_app(queue).run()
    upload(app, ("Muster_Erika.png", png(phantom("glioma", 3).scan.pixels)))
    until_done(app)
    app.run()
    lines = log()
    assert [line["event"] for line in lines] == ["prediction", "explanation"]
    for line in lines:
        assert line["who"] == "local" and line["gate"] == "passed" and line["class"] and len(line["weights"]) == 64
    assert lines[1]["method"] == "gradcam" and "Muster" not in str(lines)
    press(app, "Next method")
    until_done(app)
    assert [line.get("method", "") for line in log()] == ["", "gradcam", log()[-1]["method"]]
    assert log()[-1]["method"] != "gradcam"


def test_every_export_is_noted_for_who_drew_its_button_when_it_is_pressed(in_tiny_zoo, queue, log, monkeypatch):
    from pages.components.explain import export

    buttons = {}
    monkeypatch.setattr(export, "download_button", lambda label, make, name, *_: buttons.update({name: make}))
    until_done(signed_in(open_app(queue, scan=SAMPLE), "radiology").run())
    before = len(log())
    for made in buttons.values():
        assert made()
    exports = [(line["event"], line["export"], line["who"], line["method"]) for line in log()[before:]]
    kinds = [("report", "pdf"), ("report", "html"), ("export", "png"), ("export", "zip"), *[("export", "dicom")] * 3]
    assert exports == [(event, kind, "ada", "gradcam") for event, kind in kinds]


def test_a_calibration_is_noted_once_by_its_digest_and_not_by_the_name_that_somebody_typed(in_tiny_zoo, log):
    def script():
        from model_zoo import models
        from model_zoo.site_calibration import SiteCalibration
        from pages.components.audited import note_calibration

        (card,) = models().values()
        made = SiteCalibration(card.id, card.weights_sha256, "Ward of Erika Muster", 1.0, {}, {}, 0.5, {})
        for _ in range(2):
            note_calibration(card, made)

    assert not AppTest.from_function(script, default_timeout=60).run().exception
    (line,) = log()
    assert line["event"] == "calibration" and len(line["site_calibration"]) == 64 and "Muster" not in str(line)
