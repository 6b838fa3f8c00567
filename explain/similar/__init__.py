"""Similar cases: the known scans that a model finds most like the one at hand, with their diagnoses."""

from explain.similar.index import SIMILAR_INDEX, SimilarIndex, read_index, write_index
from explain.similar.search import SimilarCase, similar_cases

__all__ = ["SIMILAR_INDEX", "SimilarCase", "SimilarIndex", "read_index", "similar_cases", "write_index"]
