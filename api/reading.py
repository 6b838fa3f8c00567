"""From a form to what it asks for: its slices, predictions and requests, worked out in the lane for reading."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from secrets import token_hex
from typing import TypeVar

from anyio import to_thread
from fastapi import Request as HttpRequest
from starlette.requests import ClientDisconnect

from api.problems import Problem, note_failure, problem_of
from api.schemas import ExplainForm, PredictForm, Predictions, RefusedFile, ReportForm, ScanForm, SlicePrediction
from api.service import Service
from api.upload import Form, read_form
from explain import Prediction, Request
from explain.arguments import choose_slice
from explain.audit import record_prediction, record_withheld
from explain.engine import Engine, EngineError
from explain.explanation import NOT_FOR_DIAGNOSIS
from explain.queue import READING
from explain.report.report_input import methods_of_report
from explain.request import SETTINGS
from explain.similar.known import known_cases
from explain.similar.search import SimilarCase
from model_zoo import Model, ModelError, broken_models, load_model, model_card
from model_zoo.prediction_entry import prediction_entry
from model_zoo.prediction_set import WithheldError
from scans import Scan, ScanError, dicom_file, read

ALL = "all"

Fields = TypeVar("Fields", bound=ScanForm)
Result = TypeVar("Result")


def service_of(http: HttpRequest) -> Service:
    """Return the service behind the app that answers a request."""
    return http.app.state.service


def user_of(http: HttpRequest) -> str:
    """Return whose token a request brought."""
    return http.scope["state"]["user"]


async def received(http: HttpRequest, fields: type[Fields], work: Callable[[bytes, Fields], Result]) -> Result:
    """Return what `work` makes of the file and the fields of a form, in the queue's lane for reading.

    Raises Problem, ScanError, ModelError, Busy and pydantic's ValidationError.
    """
    service = service_of(http)
    with service.uploads.share() as add:
        form = await read_form(http, service.limits, add)
        asked = _fields(fields, form)
        return await _in_lane(service, token_hex(16), lambda: work(form.data(), asked))


async def each_received(
    http: HttpRequest, fields: type[Fields], work: Callable[[bytes, Fields], Result]
) -> list[Result]:
    """Return what `work` makes of each file of a form, in their order.

    One file at a time is in the lane for reading, so that a request with many takes turns with those of others. Raises
    what `received` raises, and ClientDisconnect where the client has gone before the last file.
    """
    service, user, made = service_of(http), token_hex(16), []
    with service.uploads.share() as add:
        form = await read_form(http, service.limits, add, several=True)
        asked, files = _fields(fields, form), form.each()
        while files:  # out of memory once it is read
            if await http.is_disconnected():
                raise ClientDisconnect
            made.append(await _in_lane(service, user, partial(work, files.pop(0), asked)))
    return made


def _fields(fields: type[Fields], form: Form) -> Fields:
    lists = {name for name, each in fields.model_fields.items() if each.annotation == list[str]}
    values = {name: each if len(each) > 1 or name in lists else each[0] for name, each in form.fields.items()}
    return fields.model_validate(values)


async def _in_lane(service: Service, user: str, work: Callable[[], Result]) -> Result:
    """Return what `work` returns in the queue's lane for reading, where requests take turns. Raises what it raises."""
    key = f"read {token_hex(16)}"
    job = service.queue.submit(key, lambda progress, cancelled: work(), user, lane=READING)
    try:
        await to_thread.run_sync(job.wait, limiter=service.waiting, abandon_on_cancel=True)
    finally:
        service.queue.cancel(key, user)  # which takes a finished one out of the queue
    if job.error is not None:
        raise job.error
    return job.result


def predictions(data: bytes, asked: PredictForm, most: int, engine: Engine, before: int = 0) -> Predictions:
    """Return the predictions for the chosen slices, each computed as `explain.predict` does, with all digits.

    A slice of which nothing is predicted says why, where there are others; else that is a ScanError. `most` is how
    many slices are predicted in one request, and `before` how many of the files before this one are.
    """
    model, scans = _model(asked.model), _scans(data, asked)
    chosen = scans if asked.slice == ALL else [choose_slice(scans, _number(asked.slice))]
    if before + len(chosen) > most:
        way = "send this file in another one" if before else "ask for them one by one"
        raise ScanError(
            f"This stack has {len(chosen)} slices, and at most {most} are predicted in one request, of all its files; "
            f"{way}."
        )
    return Predictions(
        model=model.card.id,
        weights_sha256=model.card.weights_sha256,
        calibration=model.calibration,
        sha256=scans[0].digest,
        slices=len(scans),
        stacks=list(scans[0].stacks),
        predictions=[_prediction(engine, model, scan, anyway=asked.anyway, alone=len(chosen) == 1) for scan in chosen],
        note=NOT_FOR_DIAGNOSIS,
    )


def predictions_or_refusal(
    data: bytes, asked: PredictForm, most: int, engine: Engine, before: int
) -> Predictions | RefusedFile:
    """Return what `predictions` does, or why this file has none; raises what concerns all files of a request."""
    try:
        return predictions(data, asked, most, engine, before)
    except (Problem, ModelError, EngineError):
        raise
    except Exception as error:  # a ScanError; else a fault of ours, which must not cost the other files their answers
        return RefusedFile(sha256=sha256(data).hexdigest(), error=problem_of(error).detail)


def request_of(engine: Engine, user: str, data: bytes, asked: ExplainForm) -> tuple[Request, bytes | None]:
    """Return the request for a map, and the DICOM file of its scan, if there is one; the log gets what is withheld."""
    (request,), kept = _requests(engine, user, data, asked, [asked.method])
    return request, kept


def requests_of(engine: Engine, user: str, data: bytes, asked: ReportForm) -> tuple[list[Request], bytes | None]:
    """Return the same for a report: the requests for its maps."""
    return _requests(engine, user, data, asked, methods_of_report(asked.method, _card(asked.model)))


def similar(engine: Engine, user: str, data: bytes, asked: ScanForm) -> tuple[Model, Prediction, list[SimilarCase]]:
    """Return the similar cases of the chosen slice, with its prediction; the log gets it, or that it is withheld."""
    model = _model(asked.model)
    scan, prediction = _predicted(engine, user, model, data, asked)
    record_prediction(user, model, scan, prediction)
    return model, prediction, known_cases(model, scan, prediction)


def _requests(
    engine: Engine, user: str, data: bytes, asked: ExplainForm | ReportForm, methods: list[str]
) -> tuple[list[Request], bytes | None]:
    model = _model(asked.model)
    scan, prediction = _predicted(engine, user, model, data, asked)
    settings = {name: getattr(asked, name) for name in SETTINGS} | {"target": asked.target, "prediction": prediction}
    way = getattr(asked, "engine", "")  # of the method
    return [Request(model, scan, name, engine=way, **settings) for name in methods], dicom_file(scan, data)


def _predicted(engine: Engine, user: str, model: Model, data: bytes, asked: ScanForm) -> tuple[Scan, Prediction]:
    scan = choose_slice(_scans(data, asked), _number(asked.slice))
    try:
        return scan, _predict(engine, model, scan, asked.anyway)
    except WithheldError as error:
        record_withheld(user, scan, error.result, model)
        raise


def _prediction(engine: Engine, model: Model, scan: Scan, *, anyway: bool, alone: bool) -> SlicePrediction:
    if scan.not_assessable and not alone:
        entry = prediction_entry(model, scan, None, None)
    else:
        try:
            seen = _predict(engine, model, scan, anyway)
            entry = prediction_entry(model, scan, seen.gate, seen.probabilities, digits=None)
        except WithheldError as error:
            entry = prediction_entry(model, scan, error.result, None)
    facts = {name: each for name, each in entry.items() if name not in ("model", "calibration")}
    return SlicePrediction(plane=scan.plane, shape=scan.shape, **facts)


def _predict(engine: Engine, model: Model, scan: Scan, anyway: bool) -> Prediction:
    try:
        return engine.predict(model, scan, anyway=anyway)
    except ModelError as error:  # the gate is missing, or the model is broken: the client is not to blame
        note_failure(error)
        raise Problem(
            503, f"{model.card.id} cannot be used on this server; `python -m model_zoo verify` says why."
        ) from None


def _card(model_id: str):
    if model_id not in broken_models():
        return model_card(model_id)
    raise Problem(503, f"{model_id} cannot be used on this server; `python -m model_zoo verify` says why.")


def _model(model_id: str) -> Model:
    """Return a model. Raises ModelError on an unknown id, and Problem (503) where this server has it but broken."""
    card = _card(model_id)
    try:
        return load_model(card.id)
    except ModelError as error:
        note_failure(error)
        raise Problem(503, f"{card.id} cannot be used on this server; `python -m model_zoo verify` says why.") from None


def _scans(data: bytes, asked: ScanForm) -> list[Scan]:
    return read(data, plane=asked.plane, stack=asked.stack)


def _number(slice_name: str) -> int | None:
    return int(slice_name) if slice_name else None
