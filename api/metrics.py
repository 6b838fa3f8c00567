"""What the server counts, in the format of Prometheus: requests, jobs, the queue, memory."""

from collections import Counter as Counted

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.jobs import Jobs
from api.upload import Held
from explain.queue import Queue

OTHER = "other"  # a path or method that no route has: what a stranger sends is no label
_METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self, queue: Queue, jobs: Jobs, uploads: Held) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "candor_http_requests", "Answered requests.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "candor_http_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_Work(queue, jobs, uploads))
        ProcessCollector(registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is the template of its path, "" where it has none."""
        method, route = method if method in _METHODS else OTHER, route or OTHER
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self.registry)


class _Work(Collector):
    """Gauges that are read when Prometheus asks, from what holds the numbers anyway."""

    def __init__(self, queue: Queue, jobs: Jobs, uploads: Held) -> None:
        self.queue, self.jobs, self.uploads = queue, jobs, uploads

    def collect(self):
        depth = GaugeMetricFamily("candor_queue_jobs", "Jobs in the queue.", labels=("lane", "state"))
        for labels, number in self.queue.counts().items():
            depth.add_metric(labels, number)
        kept = GaugeMetricFamily("candor_jobs", "Jobs that the server keeps, live and over.", labels=("kind", "state"))
        for labels, number in Counted((job.kind, job.state) for job in self.jobs.all()).items():
            kept.add_metric(labels, number)
        yield depth
        yield kept
        yield GaugeMetricFamily("candor_jobs_bytes", "Bytes set aside for the kept jobs.", value=self.jobs.bytes)
        yield GaugeMetricFamily("candor_uploads_bytes", "Bytes of uploads in memory.", value=self.uploads.bytes)
