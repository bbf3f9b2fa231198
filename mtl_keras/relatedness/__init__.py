"""Which tasks belong together: measures between all pairs of tasks, and groups of tasks."""

from mtl_keras.relatedness.labels import labels
from mtl_keras.relatedness.matrix import Matrix

__all__ = ["Matrix", "labels"]
