"""Datasets whose batches come from a Python generator."""

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras.data._epochs import EpochDataset, Facts, Place
from mtl_keras.data._passes import passes

_MAX_RUNS = 8


def generated(
    batches_of: Callable[[int, int, Place], Iterator[Any]], spec: Any, steps: int, facts: Facts
) -> EpochDataset:
    """Returns a dataset whose batches come from a Python generator, prefetched.

    Args:
        batches_of: Function `(number, first, place)` that yields the batches of pass `number` from step `first` on, as
            structures of NumPy arrays.
        spec: The structure of a batch, of `tf.TensorSpec`s.
        steps: Number of batches in a pass.
        facts: What is known of the rows.
    """
    specs = tf.nest.flatten(spec)

    def one_pass(number, first, place):
        runs = _Runs(lambda number, first: batches_of(number, first, place), steps)

        def one_batch(run, step):  # three times as fast as `Dataset.from_generator`
            parts = tf.numpy_function(runs.batch, [run, number, step], [part.dtype for part in specs])
            parts = [tf.ensure_shape(part, known.shape) for part, known in zip(parts, specs, strict=True)]
            return tf.nest.pack_sequence_as(spec, parts)

        def batches_of_run(run):
            return tf.data.Dataset.range(first, steps).map(lambda step: one_batch(run, step))

        new_run = tf.data.Dataset.range(1).map(lambda _: tf.numpy_function(runs.new, [], tf.int64))
        return new_run.flat_map(batches_of_run)

    return passes(one_pass, steps, facts)


class _Runs:
    """The generators of the iterations that go on: the last few, as what was forgotten can be made again."""

    def __init__(self, generate: Callable[[int, int], Iterator[Any]], steps: int):
        self._generate = generate
        self._steps = steps
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._going: dict[int, tuple[int, Iterator[Any]]] = {}  # run: (next step, generator)

    def new(self) -> np.ndarray:
        """Returns the number of a new iteration."""
        return np.array(next(self._numbers), "int64")

    def batch(self, *place: np.ndarray) -> list[np.ndarray]:
        """Returns the parts of the batch at (number of the iteration, pass, step)."""
        run, number, step = map(int, place)
        with self._lock:
            going = self._going.pop(run, None)
        generator = going[1] if going and going[0] == step else self._generate(number, step)
        parts = tf.nest.flatten(next(generator))
        if step + 1 < self._steps:
            with self._lock:
                self._going[run] = step + 1, generator
                while len(self._going) > _MAX_RUNS:
                    self._going.pop(next(iter(self._going)))
        return parts
