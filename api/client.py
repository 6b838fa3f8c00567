"""A typed client of the HTTP API.

>>> from pathlib import Path
>>> with Client("http://127.0.0.1:8600") as candor:                                       # doctest: +SKIP
...     seen = candor.predict(Path("scan.dcm").read_bytes(), "candor-pooled4")
...     job = candor.wait(candor.explain(Path("scan.dcm").read_bytes(), "candor-pooled4", "gradcam"))
...     heat = candor.map(job.id)
"""

import io
import json
import time
from collections.abc import Iterable
from typing import Any, Self

import httpx
import numpy as np

from api import ROOT
from api.schemas import Health, Job, MethodSummary, ModelSummary, Predictions, Ready, RefusedFile, SimilarCases

LIVE = ("queued", "running")

Value = str | int | float | bool


class ApiError(Exception):
    """An answer that is an error. `retry_after` are seconds, 0 where trying again is no use."""

    def __init__(self, status: int, detail: str, retry_after: int = 0) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail, self.retry_after = status, detail, retry_after


class Client:
    """A connection to a server; `token` is sent with every request. All methods raise ApiError and httpx's errors.

    `fields` are those of the forms: plane, stack, slice, anyway; for maps target, engine and the settings of a request.
    """

    def __init__(self, url: str, token: str = "", timeout: float = 120.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=url.rstrip("/") + ROOT, headers=headers, timeout=timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def health(self) -> Health:
        """Return that the server answers."""
        return Health.model_validate(self._json("GET", "/health"))

    def ready(self) -> Ready:
        """Return that the server can predict; else ApiError (503)."""
        return Ready.model_validate(self._json("GET", "/ready"))

    def models(self) -> list[ModelSummary]:
        """Return the models, the default first."""
        return [ModelSummary.model_validate(each) for each in self._json("GET", "/models")]

    def card(self, model: str) -> dict[str, Any]:
        """Return the card of a model."""
        return self._json("GET", f"/models/{model}")

    def methods(self) -> list[MethodSummary]:
        """Return the explanation methods."""
        return [MethodSummary.model_validate(each) for each in self._json("GET", "/methods")]

    def predict(self, data: bytes, model: str, **fields: Value) -> Predictions:
        """Return the prediction for the bytes of a file, for each slice with slice="all"."""
        return Predictions.model_validate(self._sent("/predict", data, model=model, **fields))

    def predict_files(self, files: Iterable[bytes], model: str, **fields: Value) -> list[Predictions | RefusedFile]:
        """Return what `predict` does for each of several files, in their order, or why one is refused."""
        parts = [("file", ("scan", data)) for data in files]
        answers = self._json("POST", "/predict/files", files=parts, data={"model": model, **fields})
        return [(RefusedFile if "error" in each else Predictions).model_validate(each) for each in answers]

    def similar(self, data: bytes, model: str, **fields: Value) -> SimilarCases:
        """Return the similar cases of a file."""
        return SimilarCases.model_validate(self._sent("/similar", data, model=model, **fields))

    def explain(self, data: bytes, model: str, method: str, **fields: Value) -> Job:
        """Submit a map, and return its job."""
        return Job.model_validate(self._sent("/explain", data, model=model, method=method, **fields))

    def report(self, data: bytes, model: str, methods: list[str] | None = None, **fields: Value) -> Job:
        """Submit a report, and return its job."""
        return Job.model_validate(self._sent("/report", data, model=model, method=methods or [], **fields))

    def job(self, job_id: str) -> Job:
        """Return where a job stands."""
        return Job.model_validate(self._json("GET", f"/jobs/{job_id}"))

    def wait(self, job: Job, seconds: float = 600.0, every: float = 0.2) -> Job:
        """Return a job once it is over. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while job.state in LIVE:
            if time.monotonic() > until:
                raise TimeoutError(f"the job is {job.state} after {seconds:g} s")
            time.sleep(every)
            job = self.job(job.id)
        return job

    def cancel(self, job_id: str) -> None:
        """Cancel a job, or forget one that is over."""
        self.call("DELETE", f"/jobs/{job_id}")

    def result(self, job_id: str, name: str, **query: Value) -> bytes:
        """Return a file of a job that is done, such as "result.png" or "report.pdf"."""
        return self.call("GET", f"/jobs/{job_id}/{name}", params=query).content

    def map(self, job_id: str) -> np.ndarray:
        """Return the map of a job that is done, float32 (H, W)."""
        return np.load(io.BytesIO(self.result(job_id, "result.npy")), allow_pickle=False)

    def manifest(self, job_id: str) -> dict[str, Any]:
        """Return the manifest of a map."""
        return json.loads(self.result(job_id, "manifest.json"))

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer to a request. Raises ApiError from status 400 on."""
        answer = self.http.request(method, path, **options)
        if answer.is_success:
            return answer
        problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        detail = answer.json()["detail"] if problem else answer.reason_phrase
        raise ApiError(answer.status_code, detail, int(answer.headers.get("retry-after", 0)))

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self.call(method, path, **options).json()

    def _sent(self, path: str, data: bytes, **fields: Value | list[str]) -> Any:
        return self._json("POST", path, files={"file": ("scan", data)}, data=fields)
