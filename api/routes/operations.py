"""For those who run the server: is it alive, can it predict, what has it counted; and the OpenAPI page."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from api import ROOT
from api.openapi import file_of
from api.problems import SOON, Problem
from api.reading import service_of
from api.schemas import Health, Ready
from model_zoo import models

router = APIRouter(prefix=ROOT, tags=["operations"])

_STATIC = Path(fastapi_offline.__file__).parent / "static"
_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_START = """SwaggerUIBundle({url: "openapi.json", dom_id: "#page", validatorUrl: null, deepLinking: true});"""
_PAGE = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Candor API</title><link rel="icon" href="data:,"><link rel="stylesheet" href="docs/swagger-ui.css"></head>
<body><div id="page"></div><script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script>
</body></html>
"""
# Swagger UI sets styles in its elements and draws its arrows from data URIs; it asks this server and no other.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)


@router.get("/health")
async def health() -> Health:
    """Say that the server answers."""
    return Health(status="alive")


@router.get("/ready")
def ready(http: Request) -> Ready:
    """Say that the first model is loaded and files can be decoded."""
    if sentence := service_of(http).not_ready:
        raise Problem(503, sentence, retry_after=SOON)
    return Ready(status="ready", models=list(models()))


@router.get("/metrics", response_class=Response, responses=file_of("text/plain"))
def metrics(http: Request) -> Response:
    """Return the counters for Prometheus: requests, times, queue, jobs, memory."""
    return Response(service_of(http).metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
def document(http: Request) -> JSONResponse:
    """Return the OpenAPI document."""
    return JSONResponse(http.app.openapi())


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """Return the page on which every route can be read and tried."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js", include_in_schema=False)
async def start_docs() -> Response:
    """Return the script that starts the page."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}", include_in_schema=False)
async def asset(name: str) -> FileResponse:
    """Return one of the page's files."""
    if name not in _ASSETS:  # a look-up: a name is never used as a path
        raise Problem(404, "The page of this API has no such file.")
    return FileResponse(_STATIC / name, media_type=_ASSETS[name])
