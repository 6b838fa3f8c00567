"""Predictions and explanations by Ray Serve: replicas that hold a few models each, asked through a handle.

No port is opened for them. A request goes to a replica that has its model; a lost replica's request is asked again.
"""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from ray import serve
from ray.exceptions import RayError

from explain.engine.engine import EngineError
from explain.engine.ray_worker import LOSSES, THREADS
from explain.explanation import Explanation
from explain.prediction import Prediction, predict
from explain.refinement import Cancelled
from explain.request import Request, explain
from model_zoo import Model, load_model
from model_zoo.threads import use_threads
from scans import Scan

MODELS = 4  # in a replica at most, as many as `model_zoo` keeps: Ray Serve itself knows no bound in bytes

_AT_ONCE = 3  # requests in a replica: a quick map need not wait for a slow one, nor a prediction for both
_LOOK = 0.1  # seconds between two looks at the progress, which is also how long a cancel has to wait
_NAME = "candor"
_LOST = f"{LOSSES} workers were lost over this request; ask for it again, or for one that needs less memory"


class Replica:
    """The process of a replica. Requests come pickled: a model in them is found by its id, and loaded in a thread."""

    def __init__(self, threads: int) -> None:
        use_threads(threads)
        self._threads = ThreadPoolExecutor(_AT_ONCE)

    @serve.multiplexed(max_num_models_per_replica=MODELS)
    async def model(self, model_id: str) -> Model:
        """Return a model; loading it must not stop the loop in which the replica answers."""
        return await self._in_thread(load_model, model_id)

    async def predict(self, pickled: bytes) -> tuple[bool, object]:
        """Return True and the prediction, or False and what was raised."""
        try:
            await self.model(serve.get_multiplexed_model_id())
            return True, await self._in_thread(_predicted, pickled)
        except Exception as error:
            return False, error

    async def explain(self, pickled: bytes) -> AsyncIterator[float | tuple[bool, object]]:
        """Yield the progress again and again, then True and the explanation, or False and what was raised."""
        stopped, shares = Event(), [0.0]
        try:
            await self.model(serve.get_multiplexed_model_id())
            made = self._in_thread(_explained, pickled, shares.append, stopped.is_set)
            while not (await asyncio.wait({made}, timeout=_LOOK))[0]:
                yield shares[-1]
            yield True, made.result()
        except Exception as error:
            yield False, error
        finally:
            stopped.set()  # the client has cancelled, or is gone

    def _in_thread(self, work: Callable, *given: object) -> asyncio.Future:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *given)


def _predicted(pickled: bytes) -> Prediction:
    model, scan, anyway = pickle.loads(pickled)
    return predict(model, scan, anyway=anyway)


def _explained(pickled: bytes, progress: Callable[[float], object], cancelled: Callable[[], bool]) -> Explanation:
    return explain(pickle.loads(pickled), progress=progress, cancelled=cancelled)


class Replicas:
    """The deployment of `count` replicas, and the handle to ask them by. Any thread may use it."""

    def __init__(self, count: int) -> None:
        serve.start(proxy_location="Disabled", logging_config={"enable_access_log": False})
        deployed = serve.deployment(
            num_replicas=count, max_ongoing_requests=_AT_ONCE, ray_actor_options={"num_cpus": THREADS}
        )(Replica)
        self._handle = serve.run(deployed.bind(THREADS), name=_NAME, route_prefix=None)

    def predict(self, model: Model, scan: Scan, *, anyway: bool = False) -> Prediction:
        """Return what `explain.predict` does. Raises what it raises, EngineError where workers are lost over it."""
        handle = self._handle.options(multiplexed_model_id=model.card.id)
        for _ in range(LOSSES):
            try:
                return _result(handle.predict.remote(pickle.dumps((model, scan, anyway))).result())
            except RayError:
                continue
        raise EngineError(_LOST)

    def explain(self, request: Request, progress: Callable, cancelled: Callable[[], bool]) -> Explanation:
        """Return what `explain.explain` does. Raises what it raises, EngineError where workers are lost over it."""
        handle = self._handle.options(multiplexed_model_id=request.model.card.id, stream=True)
        for _ in range(LOSSES):
            stream = handle.explain.remote(pickle.dumps(request))
            try:
                for told in stream:
                    if cancelled():
                        stream.cancel()
                        raise Cancelled
                    if isinstance(told, tuple):
                        return replace(_result(told))  # made anew, its arrays are read-only again
                    progress(told)
            except RayError:
                continue
        raise EngineError(_LOST)

    def close(self) -> None:
        """End all replicas."""
        serve.shutdown()


def _result(told: tuple[bool, object]):
    fine, made = told
    if not fine:
        raise made
    return made
