"""The service behind the routes: its limits, queue, jobs, uploads, counters, and who may ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from anyio import CapacityLimiter
from fastapi import FastAPI

from api.jobs import Jobs
from api.limits import Limits
from api.metrics import Metrics
from api.problems import note_failure, sentence_of
from api.upload import Held
from explain.engine import Engine, EngineError, this_process
from explain.queue import Queue
from explain.warm_up import explain_a_phantom, start_decoders
from model_zoo import ModelError
from scans import ScanError
from scans.sandbox import SERVER

LOCAL = ("localhost", "127.0.0.1", "::1")

_TIDY_EVERY = 30.0  # seconds
_AGAIN = 5.0  # seconds until an engine that failed at the start is asked again


@dataclass(frozen=True, eq=False)
class Service:
    """All that the routes share. `tokens` are those accepted, () for anybody; `hosts` the names it may be called by."""

    limits: Limits = field(default_factory=Limits)
    tokens: tuple[str, ...] = ()
    hosts: tuple[str, ...] = LOCAL
    engine: Engine | None = None  # where predictions and maps are made; None: in this process
    queue: Queue = field(init=False)
    jobs: Jobs = field(init=False)
    uploads: Held = field(init=False)
    metrics: Metrics = field(init=False)
    waiting: CapacityLimiter = field(init=False)  # threads in which requests wait for the queue
    warm: Thread = field(init=False)
    ended: Event = field(default_factory=Event)  # the server no longer runs
    lacking: list[str] = field(
        default_factory=lambda: ["The first model is being loaded; try again in some seconds."]
    )  # [] once it can predict

    def __post_init__(self) -> None:
        engine = self.engine or this_process(self.limits.lanes)
        queue = engine.queue
        jobs, uploads = Jobs(queue, self.limits, elsewhere=engine.explain), Held(self.limits.uploads_bytes)
        parts = {
            "engine": engine,
            "queue": queue,
            "jobs": jobs,
            "uploads": uploads,
            "metrics": Metrics(queue, jobs, uploads),
            "waiting": CapacityLimiter(self.limits.requests),
            "warm": Thread(target=self._warm_up, name="warm up", daemon=True),
        }
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    @property
    def not_ready(self) -> str:
        """The sentence on why nothing can be predicted yet, "" where it can."""
        if self.lacking:
            return self.lacking[0]
        if not SERVER.up:
            start_decoders()
            return "The process that decodes files is being started; try again in some seconds."
        return ""

    def _warm_up(self) -> None:
        while not self.ended.is_set():
            try:
                explain_a_phantom(self.engine.predict)
                self.lacking.clear()
                return
            except (ModelError, ScanError) as error:
                note_failure(error)
                self.lacking[:] = ["No model can be used on this server; `python -m model_zoo verify` says why."]
                return
            except EngineError as error:  # a cluster may lose one request and answer the next
                self.lacking[:] = [sentence_of(error)]
                self.ended.wait(_AGAIN)

    @asynccontextmanager
    async def running(self, app: FastAPI) -> AsyncIterator[None]:
        """Start the decoders, load the first model in the background, and forget old jobs from time to time."""
        start_decoders()
        self.warm.start()
        tidying = asyncio.create_task(self._tidy())
        yield
        self.ended.set()
        tidying.cancel()
        for kept in self.jobs.all():
            self.queue.cancel(kept.id, kept.user)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_EVERY)
            self.jobs.forget_old()
