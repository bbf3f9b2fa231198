"""Comparisons and searches that show whether sharing helps. Needs the extra `study`."""

from mtl_keras.study.compare import compare
from mtl_keras.study.comparison import Comparison
from mtl_keras.study.load import load
from mtl_keras.study.search import search
from mtl_keras.study.search_result import SearchResult
from mtl_keras.study.spaces import Choice, Float, Int, LossWeights

__all__ = ["Choice", "Comparison", "Float", "Int", "LossWeights", "SearchResult", "compare", "load", "search"]
