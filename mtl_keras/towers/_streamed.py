"""Statistics of a dataset, read in one pass."""

import collections
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from mtl_keras._arguments import choice


def is_dataset(x):
    """Whether a value is a `tf.data.Dataset`."""
    return hasattr(x, "element_spec")


def inputs_of(dataset: Any, verbose: int) -> Iterator:
    """Yields the inputs of the batches of a finite dataset, with a progress bar.

    Args:
        dataset: A `tf.data.Dataset` of x, (x, y) or (x, y, sample_weight).
        verbose: 1 for a progress bar, 0 for none.
    """
    choice("verbose", verbose, (0, 1))
    steps = int(dataset.cardinality())
    if steps == -1:
        raise ValueError("The dataset must be finite. Received: an endless one. Use `dataset.take(steps)`.")
    bar = keras.utils.Progbar(steps if steps > 0 else None, verbose=verbose, unit_name="batch")
    for step, batch in enumerate(dataset.as_numpy_iterator(), start=1):
        yield batch[0] if isinstance(batch, tuple) else batch
        bar.update(step, finalize=step == steps)


class Moments:
    """Running mean and variance of numbers, ignoring NaN, in float64 (Chan, Golub, LeVeque, 1979)."""

    def __init__(self):
        self._count = 0
        self.mean = 0.0
        self._squares = 0.0  # Σ(x - mean)²

    @property
    def variance(self) -> float:
        return self._squares / max(self._count, 1)

    def add(self, values):
        values = np.ravel(values).astype("float64")
        values = values[~np.isnan(values)]
        if not values.size:
            return
        count, mean = self._count + values.size, float(values.mean())
        self._squares += float(np.square(values - mean).sum())
        self._squares += (mean - self.mean) ** 2 * self._count * values.size / count
        self.mean += (mean - self.mean) * values.size / count
        self._count = count


class Values:
    """Running counts of the values of a category."""

    def __init__(self):
        self._counts = collections.Counter()

    @property
    def counts(self) -> collections.Counter:
        """How often each value was found; strings as str."""
        counts = collections.Counter()
        for value, count in self._counts.items():
            counts[value.decode() if isinstance(value, bytes) else value] += count
        return counts

    def add(self, values):
        self._counts.update(np.ravel(values).tolist())
