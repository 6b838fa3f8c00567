"""The engines by name, and how one is started."""

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from secrets import token_hex

from explain.engine.engine import Engine, EngineError, this_process
from explain.queue import LANES, Lane

HOW_TO_GET_RAY = "`make .venv/ray` installs it, and docs/scaling.md says the rest"


def _in_this_process(address: str, workers: int, lanes: Mapping[str, Lane]) -> Engine:
    if address or workers:
        raise EngineError("an address and a number of workers are those of a Ray cluster; give --engine ray with them")
    return this_process(lanes)


def _in_a_cluster(address: str, workers: int, lanes: Mapping[str, Lane]) -> Engine:
    if find_spec("ray") is None:
        raise EngineError(f"the engine ray needs a package that is not installed: {HOW_TO_GET_RAY}")
    # Ray reads these when it is imported.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray 2.60 warns of what the next one will do
    if not address:  # nobody else may reach a cluster of our own: whoever can runs programs
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # so Ray listens on the loopback address, on Linux too
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", token_hex(32))
    from explain.engine.ray_cluster import ray_cluster

    return ray_cluster(address, workers, lanes)


PROCESS, RAY = "process", "ray"
ENGINES: dict[str, Callable[[str, int, Mapping[str, Lane]], Engine]] = {PROCESS: _in_this_process, RAY: _in_a_cluster}


def start_engine(name: str, address: str = "", workers: int = 0, lanes: Mapping[str, Lane] = LANES) -> Engine:
    """Return a running engine, to be closed. `workers` is their number, 0 for as many as there are cores.

    Raises EngineError on an unknown engine, one that is not installed and one that does not start.
    """
    if name not in ENGINES:
        raise EngineError(f"no engine {name[:40]!r}; there are {' and '.join(ENGINES)} ({HOW_TO_GET_RAY})")
    if workers < 0:
        raise EngineError(f"{workers} workers do nothing; give at least 1, or leave --workers out")
    return ENGINES[name](address, workers, lanes)
