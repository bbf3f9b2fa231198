"""Gives back the memory of models that are no longer used."""

import contextlib
from collections.abc import Iterator

from tensorflow.python.framework import ops


@contextlib.contextmanager
def freed_graphs() -> Iterator[None]:
    """Forgets the gradients of the functions that are traced within it, so that their graphs are freed.

    TensorFlow 2.21 registers the gradient of each traced function under a new name and never removes it. Each keeps
    the graph of its function, 7 to 9 megabytes for the two steps of a small model (`benchmarks/study.py --memory`).
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            if name.startswith(("CustomGradient-", "PartitionedCall-")):
                del registered[name]
