"""The OpenAPI document: the forms with their files, the problem document, the token."""

import re

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api import ROOT
from api.limits import Limits
from api.problems import MEDIA_TYPE
from api.schemas import Problem
from api.upload import FILE, FORM

_ERRORS = {
    "400": "No HTTP request that can be read",
    "401": "A token is needed",
    "403": "Sent by another web site",
    "404": "There is nothing at this address",
    "408": "The upload comes too slowly",
    "409": "The job has no result",
    "413": "The upload is too large",
    "415": "The body is no form",
    "421": "The server is not called so",
    "422": "The file or a field is not accepted",
    "429": "Too many jobs at once",
    "500": "Failed inside Candor",
    "503": "No room, or not ready",
}
_ONLY_FORMS, _ONLY_JOBS = {"408", "413", "415", "422", "429"}, {"409"}


def form_of(fields: type[BaseModel], *, several: bool = False) -> dict:
    """Return the request body of a form with a file, or with several, and these fields, for `openapi_extra`."""
    schema = fields.model_json_schema()
    scan = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "format": "binary",
        "description": "The scan; a .hdr and its .img as two of it.",
    }
    if several:
        scan = {
            "type": "array",
            "items": scan | {"description": "A scan."},
            "minItems": 1,
            "maxItems": Limits().files,
            "description": "The scans, one field for each.",
        }
    schema["properties"] = {FILE: scan} | schema["properties"]
    schema["required"] = [FILE, *schema.get("required", [])]
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


def file_of(media_type: str) -> dict:
    """Return the description of an answer that is a file, for `responses`."""
    return {
        200: {"description": "The file", "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}
    }


def describe(app: FastAPI, *, tokens: bool, open_paths: tuple[str, ...]) -> dict:
    """Return the OpenAPI document of the app. `tokens`: a token is needed, but on the open paths."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which is never sent
        schemas.pop(name, None)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["summary"] = re.split(r"[:;.]", operation["description"])[0]
            operation["responses"].pop("422", None)
            for status, description in _ERRORS.items():
                if status in _ONLY_FORMS and "requestBody" not in operation and status != "422":
                    continue
                if status in _ONLY_JOBS and not path.startswith(f"{ROOT}/jobs/"):
                    continue
                operation["responses"][status] = {"description": description, "content": content}
    if tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for path in open_paths:
            for operation in document["paths"][path].values():
                operation["security"] = []
    return document
