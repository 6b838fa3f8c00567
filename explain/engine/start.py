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
    _prepare_ray(own=not address)
    from explain.engine.ray_cluster import ray_cluster

    return ray_cluster(address, workers, lanes)


def _prepare_ray(own: bool) -> None:
    """Set the variables that Ray reads when it is imported; `own` where the cluster is one of this process alone."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_open_telemetry": "0"}
    usual = {
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or Ray 2.60 warns of what the next one will do
        "RAY_worker_register_timeout_seconds": "180",  # a busy machine takes its time
        "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what Ray says of a lost worker, it says on stdout
        "RAY_prestart_worker_first_driver": "0",  # processes that nobody asks for
    }
    if own:  # nobody else may reach it: whoever can, runs programs
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray then keeps to the loopback address, on Linux too
        os.environ["RAY_AUTH_MODE"] = "token"
        usual["RAY_AUTH_TOKEN"] = token_hex(32)
    for name, value in usual.items():
        os.environ.setdefault(name, value)


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
