"""Jobs: explanations and reports are submitted, looked at, cancelled, and fetched once they are done."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import ROOT
from api.jobs import DONE, EXPLANATION, Kept, Report
from api.openapi import file_of, form_of
from api.problems import Problem
from api.reading import received, request_of, requests_of, service_of, user_of
from api.schemas import ExplainForm, Job, ReportForm
from explain import Explanation, Rendering, draw, png
from explain.audit import record_request
from explain.render.export import archive, file_stem, map_file
from explain.report.secondary_capture import page, secondary_capture

router = APIRouter(prefix=ROOT, tags=["jobs"])

RESULTS = {
    EXPLANATION: ("result.png", "result.npy", "manifest.json", "result.zip", "result.dcm"),
    "report": ("report.pdf", "report.html"),
}

DONE_ALREADY = {200: {"description": "The job, which is done already", "model": Job}}
USUAL = Rendering()
Opacity = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]
Threshold = Annotated[float, Query(ge=0, le=0.9, allow_inf_nan=False, description="Of the map's peak.")]


@router.post("/explain", status_code=202, responses=DONE_ALREADY, openapi_extra=form_of(ExplainForm))
async def explain(http: Request, answer: Response) -> Job:
    """Submit a map. The same file, model, method, class and settings give the same job, done or not."""
    service, user = service_of(http), user_of(http)

    def submit(data: bytes, asked: ExplainForm) -> Kept:
        request, kept = request_of(service.engine, user, data, asked)
        record_request("explanation", user, request)
        return service.jobs.explanation(user, request, kept)

    return _submitted(http, answer, await received(http, ExplainForm, submit))


@router.post("/report", status_code=202, responses=DONE_ALREADY, openapi_extra=form_of(ReportForm))
async def report(http: Request, answer: Response) -> Job:
    """Submit a report with the maps of some methods, as PDF and HTML."""
    service, user = service_of(http), user_of(http)

    def submit(data: bytes, asked: ReportForm) -> Kept:
        requests, kept = requests_of(service.engine, user, data, asked)
        for request in requests:
            record_request("explanation", user, request)
        return service.jobs.report(user, requests, kept)

    return _submitted(http, answer, await received(http, ReportForm, submit))


@router.get("/jobs/{job_id}")
def read_job(http: Request, job_id: str) -> Job:
    """Return where a job stands."""
    return _job(http, _found(http, job_id))


@router.delete("/jobs/{job_id}", status_code=204)
def cancel(http: Request, job_id: str) -> None:
    """Cancel a job; one that is over is forgotten, with its scan and its results."""
    service_of(http).jobs.cancel(user_of(http), job_id)


@router.get("/jobs/{job_id}/result.png", response_class=Response, responses=file_of("image/png"))
def picture(
    http: Request,
    job_id: str,
    opacity: Opacity = USUAL.opacity,
    threshold: Threshold = USUAL.threshold,
    contours: bool = USUAL.contours,
    against: bool = USUAL.against,
    sheet: bool = False,
) -> Response:
    """Return the scan under its map; with `sheet` beside it, with the colour bar and the caption."""
    kept, explanation = _explained(http, job_id)
    rendering = Rendering(opacity=opacity, threshold=threshold, contours=contours, against=against)
    if sheet:
        drawn = page(kept.report_input([explanation], rendering), explanation)
    else:
        drawn = draw(kept.requests[0].scan, explanation, rendering).picture
    return _file(png(drawn), "image/png", f"{file_stem(explanation)}.png")


@router.get("/jobs/{job_id}/result.npy", response_class=Response, responses=file_of("application/octet-stream"))
def values(http: Request, job_id: str) -> Response:
    """Return the map: float32 (H, W) in the pixels of the scan as uploaded, in the method's unit."""
    _, explanation = _explained(http, job_id)
    return _file(map_file(explanation), "application/octet-stream", f"{file_stem(explanation)}.npy")


@router.get("/jobs/{job_id}/manifest.json", response_class=Response, responses=file_of("application/json"))
def manifest(http: Request, job_id: str) -> Response:
    """Return all that is needed to repeat and to judge the map."""
    _, explanation = _explained(http, job_id)
    text = json.dumps(explanation.manifest(), indent=2, ensure_ascii=False, allow_nan=False)
    return Response(text.encode(), media_type="application/json")


@router.get("/jobs/{job_id}/result.zip", response_class=Response, responses=file_of("application/zip"))
def zipped(http: Request, job_id: str) -> Response:
    """Return the map, its manifest and its picture in one archive."""
    kept, explanation = _explained(http, job_id)
    scan = kept.requests[0].scan
    made = archive(explanation, png(draw(scan, explanation, USUAL).picture), USUAL.facts(scan, explanation))
    return _file(made, "application/zip", f"{file_stem(explanation)}.zip")


@router.get("/jobs/{job_id}/result.dcm", response_class=Response, responses=file_of("application/dicom"))
def dicom(http: Request, job_id: str, identity: bool = False) -> Response:
    """Return a DICOM Secondary Capture, which refers to the study; `identity` copies the patient's name and number."""
    kept, explanation = _explained(http, job_id)
    made = secondary_capture(kept.report_input([explanation]), explanation, kept.data, identity)
    return _file(made, "application/dicom", f"{file_stem(explanation)}.dcm")


@router.get("/jobs/{job_id}/report.pdf", response_class=Response, responses=file_of("application/pdf"))
def pdf(http: Request, job_id: str) -> Response:
    """Return the report as a PDF."""
    made, stem = _reported(http, job_id)
    return _file(made.pdf, "application/pdf", f"{stem}.pdf")


@router.get("/jobs/{job_id}/report.html", response_class=Response, responses=file_of("text/html"))
def html(http: Request, job_id: str) -> Response:
    """Return the report as one HTML file, to be saved: it is sent as an attachment."""
    made, stem = _reported(http, job_id)
    return _file(made.html, "text/html", f"{stem}.html")


def _found(http: Request, job_id: str) -> Kept:
    return service_of(http).jobs.find(user_of(http), job_id)


def _explained(http: Request, job_id: str) -> tuple[Kept, Explanation]:
    kept = _found(http, job_id)
    if not isinstance(result := kept.result, Explanation):
        raise Problem(404, "This job is a report; its results are report.pdf and report.html.")
    record_request("export", kept.user, kept.requests[0], _suffix(http))
    return kept, result


def _reported(http: Request, job_id: str) -> tuple[Report, str]:
    kept = _found(http, job_id)
    if not isinstance(result := kept.result, Report):
        raise Problem(404, "This job is an explanation; its results are those that the job lists.")
    record_request("report", kept.user, kept.requests[0], _suffix(http))
    return result, f"{kept.requests[0].model.card.id}-{kept.requests[0].scan.digest[:8]}"


def _suffix(http: Request) -> str:
    return http.url.path.rpartition(".")[2]


def _submitted(http: Request, answer: Response, kept: Kept) -> Job:
    job = _job(http, kept)
    answer.headers["Location"] = http.url_for("read_job", job_id=kept.id).path
    if job.state == DONE:
        answer.status_code = 200
    return job


def _job(http: Request, kept: Kept) -> Job:
    first, job = kept.requests[0], kept.job
    state, progress = kept.state, kept.progress
    return Job(
        id=kept.id,
        kind=kept.kind,
        state=state,
        progress=progress,
        place=job.place if job else 0,
        seconds=round(job.seconds, 3) if job else 0.0,
        error=kept.error,
        model=first.model.card.id,
        methods=[request.method for request in kept.requests],
        target=first.target,
        results=[f"{http.url_for('read_job', job_id=kept.id).path}/{name}" for name in RESULTS[kept.kind]],
    )


def _file(content: bytes, media_type: str, name: str) -> Response:
    ascii_name = name.encode("ascii", "replace").decode().replace('"', "_")
    return Response(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{ascii_name}"'}
    )
