"""Why did a model say so? Methods, the explanation they give, and its picture."""

from explain.explanation import Explanation
from explain.methods import METHODS, Method, method
from explain.refinement import Budget, Cancelled
from explain.render.overlay import COLOUR_MAPS, colour_bar, overlay, png, upright
from explain.request import explain

__all__ = [
    "COLOUR_MAPS",
    "METHODS",
    "Budget",
    "Cancelled",
    "Explanation",
    "Method",
    "colour_bar",
    "explain",
    "method",
    "overlay",
    "png",
    "upright",
]
