"""Explanations: requests, methods, and how a map is drawn."""

from explain.explanation import Explanation
from explain.methods import METHODS, Method, method, methods_for
from explain.prediction import Prediction, predict
from explain.refinement import Cancelled
from explain.render.overlay import png
from explain.render.rendering import Drawing, Rendering, draw
from explain.request import Request, explain

__all__ = [
    "METHODS",
    "Cancelled",
    "Drawing",
    "Explanation",
    "Method",
    "Prediction",
    "Rendering",
    "Request",
    "draw",
    "explain",
    "method",
    "methods_for",
    "png",
    "predict",
]
