"""Where work runs: in this process, or in the workers of a Ray cluster."""

from explain.engine.engine import Engine, EngineError, this_process
from explain.engine.start import ENGINES, start_engine

__all__ = ["ENGINES", "Engine", "EngineError", "start_engine", "this_process"]
