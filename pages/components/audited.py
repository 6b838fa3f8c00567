"""What a session does, in the audit log: each thing once, however often the page is drawn."""

from collections.abc import Sequence
from hashlib import sha256

from explain import Prediction, Request
from explain.audit import record, record_prediction, record_request, record_withheld
from explain.report import ReportInput
from model_zoo import Model, ModelCard
from model_zoo.gate import GateResult
from model_zoo.site_calibration import SiteCalibration, as_json
from pages.components.state import state
from pages.door.entrance import who
from scans import Scan

REPORTS = ("pdf", "html")  # the exports that are reports


def note_prediction(model: Model, scan: Scan, prediction: Prediction) -> None:
    """Note that a model predicted from a scan."""
    if _first(f"prediction {model.prediction_key} {scan.key}"):
        record_prediction(who(), model, scan, prediction)


def note_series(model: Model, slices: Sequence[Scan], key: str) -> None:
    """Note that a model's predictions from all slices of a series were shown; `key` is of the series and the model."""
    if _first(f"series {key}"):
        scan, card = slices[0].digest, model.card
        record("prediction", who(), scan=scan, slices=len(slices), model=card.id, weights=card.weights_sha256)


def note_withheld(scan: Scan, result: GateResult) -> None:
    """Note that the gate withheld every prediction from a scan; its word is the kind of picture that it saw."""
    if _first(f"withheld {scan.key}"):
        record_withheld(who(), scan, result)


def note_explanation(request: Request) -> None:
    """Note that an explanation was shown."""
    if _first(f"explanation {request.key}"):
        record_request("explanation", who(), request)


def note_calibration(card: ModelCard, calibration: SiteCalibration) -> None:
    """Note that a site's calibration is used with a model. The site's name is not written: anybody may type it."""
    digest = sha256(as_json(calibration).encode()).hexdigest()
    if _first(f"calibration {card.id} {digest}"):
        record("calibration", who(), model=card.id, weights=card.weights_sha256, site_calibration=digest)


def note_export(user: str, report: ReportInput, kind: str) -> None:
    """Note that a file of a kind was made for a user; it may be called from any thread."""
    if report.request is not None:
        record_request("report" if kind in REPORTS else "export", user, report.request, kind)


def _first(key: str) -> bool:
    """Return whether this session has not noted it before."""
    noted = state().audited
    new = key not in noted
    noted.add(key)
    return new
