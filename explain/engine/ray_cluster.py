"""The engine `ray`: a cluster on this machine, or one that runs on others, with as many workers as it has cores.

A cluster of its own listens on the loopback address alone, asks for a token that nobody else knows, has no dashboard
and reports to nobody. Of another cluster Candor is a guest: who started it decides on these.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from logging import ERROR, getLogger
from socket import create_connection
from threading import Lock

import ray

from explain.engine.engine import Engine, EngineError, ItemWork
from explain.engine.ray_replica import Replicas
from explain.engine.ray_worker import THREADS, Workers
from explain.explanation import Explanation
from explain.prediction import Prediction
from explain.queue import BACKGROUND, Lane, Queue
from model_zoo.zoo import imported_folder, zoo_folder

_STORE = 256_000_000  # bytes of a cluster of our own: no more than some scans on their way are in it
_PATIENCE = 10  # seconds in which a cluster elsewhere must answer


def ray_cluster(address: str, workers: int, lanes: Mapping[str, Lane]) -> Engine:
    """Return the engine that works in `workers` processes of a cluster, 0 for one a core; "" starts one here.

    Raises EngineError where no cluster answers, it has fewer cores than that, or Ray is in use in this process.
    """
    if ray.is_initialized():
        raise EngineError("this process uses a Ray cluster already; close that engine first")
    _connect(address, workers)
    cores = int(ray.cluster_resources().get("CPU", 0)) // THREADS
    if cores < max(1, workers):
        ray.shutdown()
        raise EngineError(f"this Ray cluster has {cores} cores for workers; ask for at most as many")
    cluster = _Cluster(workers or cores)
    shared = {name: replace(lane, workers=max(lane.workers, cluster.count)) for name, lane in lanes.items()}
    shared |= {BACKGROUND: lanes[BACKGROUND]} if BACKGROUND in lanes else {}  # bounded by this machine's disk
    return Engine(Queue(shared), cluster.map, cluster.predict, cluster.explain, cluster.close)


def _connect(address: str, workers: int) -> None:
    getLogger("ray.serve").setLevel(ERROR)
    quiet = {"log_to_driver": False, "logging_level": ERROR}
    try:
        if address:
            _knock(address)  # Ray itself would try for minutes
            # Where the models are, and no other variable: some hold secrets.
            folders = {"CANDOR_ZOO": str(zoo_folder().absolute()), "CANDOR_IMPORTED": str(imported_folder().absolute())}
            ray.init(address=address, runtime_env={"env_vars": folders}, **quiet)
        else:
            cores = {"num_cpus": workers * THREADS} if workers else {}
            ray.init(address="local", include_dashboard=False, object_store_memory=_STORE, **quiet, **cores)
    except Exception as error:  # of many kinds: no answer, another version, a token that is not theirs, no memory
        ray.shutdown()
        if address:
            raise EngineError(
                f"no Ray cluster can be used at {address[:80]!r} ({type(error).__name__}); start it with `ray start "
                "--head` and the same Ray, Python and token as here, and give its HOST:PORT"
            ) from error
        raise EngineError(
            f"no Ray cluster starts here ({type(error).__name__}); it must be up within half a minute, so try again "
            "when the machine is less busy"
        ) from error


def _knock(address: str) -> None:
    host, _, port = address.rpartition(":")
    create_connection((host.strip("[]"), int(port)), _PATIENCE).close()


class _Cluster:
    """The workers of a cluster, started when they are first wanted: those that map, or those that answer requests.

    Each takes a core, so there is one kind at a time: to map ends the replicas, and the other way round.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._lock = Lock()
        self._now: Workers | Replicas | None = None

    def map(self, work: ItemWork, items: Iterable) -> Iterator:
        return self._kind(Workers).map(work, items)

    def predict(self, *given, **named) -> Prediction:
        return self._kind(Replicas).predict(*given, **named)

    def explain(self, request, *, progress: Callable, cancelled: Callable[[], bool]) -> Explanation:
        return self._kind(Replicas).explain(request, progress, cancelled)

    def close(self) -> None:
        with self._lock:
            self._end()
        ray.shutdown()

    def _kind(self, kind: type) -> Workers | Replicas:
        with self._lock:
            if not isinstance(self._now, kind):
                self._end()
                self._now = kind(self.count)
            return self._now

    def _end(self) -> None:
        if self._now is not None:
            self._now.close()
            self._now = None
