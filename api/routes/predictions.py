"""Predictions and similar cases: answered at once, nothing is kept."""

from fastapi import APIRouter, Request

from api import ROOT
from api.openapi import form_of
from api.reading import each_received, predictions, predictions_or_refusal, received, service_of, similar, user_of
from api.schemas import PredictForm, Predictions, RefusedFile, ScanForm, Similar, SimilarCases, SlicePrediction
from datasets.cohorts import COHORT_TITLES
from explain.audit import ANYWAY, PASSED, WITHHELD, record
from explain.engine import Engine
from explain.similar.known import NOT_THE_PATIENT, credit, diagnoses_sentence, none_sentence, precision_sentence
from model_zoo.prediction_set import ANYWAY as SAID_ANYWAY

router = APIRouter(prefix=ROOT, tags=["predictions"])


@router.post("/predict", openapi_extra=form_of(PredictForm))
async def predict(http: Request) -> Predictions:
    """Predict from one slice of a file, or from each: the gate, calibrated probabilities, the prediction set."""
    service, user = service_of(http), user_of(http)
    most, engine = service.limits.slices, service.engine
    answer = await received(http, PredictForm, lambda data, asked: predictions(data, asked, most, engine))
    for each in answer.predictions:
        _record(user, answer, each)
    return answer


@router.post("/predict/files", openapi_extra=form_of(PredictForm, several=True))
async def predict_files(http: Request) -> list[Predictions | RefusedFile]:
    """Predict from several files: for each, in their order, what /predict answers, or why it is refused."""
    service, user, slices = service_of(http), user_of(http), 0

    def answer(data: bytes, asked: PredictForm) -> Predictions | RefusedFile:
        nonlocal slices
        made = predictions_or_refusal(data, asked, service.limits.slices, service.engine, slices)
        slices += len(made.predictions) if isinstance(made, Predictions) else 0
        return made

    answers = await each_received(http, PredictForm, answer)
    for made in answers:
        for each in made.predictions if isinstance(made, Predictions) else ():
            _record(user, made, each)
    return answers


@router.post("/similar", openapi_extra=form_of(ScanForm))
async def similar_cases(http: Request) -> SimilarCases:
    """Return the known scans that a model finds most like one slice: diagnoses and distances, no pictures."""
    engine, user = service_of(http).engine, user_of(http)
    return await received(http, ScanForm, lambda data, asked: _similar(engine, user, data, asked))


def _record(user: str, answer: Predictions, each: SlicePrediction) -> None:
    past_the_gate = any(reason.startswith(SAID_ANYWAY) for reason in each.reasons)
    record(
        "refusal" if each.withheld else "prediction",
        user,
        scan=answer.sha256,
        slice_index=each.slice,
        model=answer.model,
        weights=answer.weights_sha256,
        predicted=each.predicted or "",
        gate=WITHHELD if each.withheld else ANYWAY if past_the_gate else PASSED if each.predicted else "",
        reason=f"gate: {each.gate.kind}, {each.gate.brain} brain" if each.withheld else "",
    )


def _similar(engine: Engine, user: str, data: bytes, asked: ScanForm) -> SimilarCases:
    model, prediction, cases = similar(engine, user, data, asked)
    card = model.card
    names = dict(zip(card.classes, card.names, strict=True))
    return SimilarCases(
        model=card.id,
        cases=[
            Similar(
                label=case.label,
                name=names[case.label],
                collection=COHORT_TITLES.get(case.cohort, case.cohort),
                sequence=case.sequence,
                plane=case.plane,
                distance=case.distance,
            )
            for case in cases
        ],
        summary=diagnoses_sentence(card, cases) if cases else none_sentence(card),
        note=NOT_THE_PATIENT,
        precision=precision_sentence(card, card.classes[prediction.index], cases),
        credit=credit(cases),
    )
