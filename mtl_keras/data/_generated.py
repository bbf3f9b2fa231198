"""Windows of rows that come from a Python generator."""

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras.data._epochs import Place
from mtl_keras.data._in_python import in_python

_MAX_RUNS = 8

Windows = Iterator[tuple[int, Any]]


def generated(
    generate: Callable[[int, int, Place], Windows], spec: Any, num_rows: int, batch_size: int, steps: int, at_once: int
) -> Callable[[tf.Tensor, tf.Tensor, Place], tf.data.Dataset]:
    """Returns the function of `passes` that gives the windows of a pass.

    Args:
        generate: Function `(number, first, place)` that yields `(next step, window)` for pass `number` from step
            `first` on. A window ends at each multiple of `at_once` steps, and at the last whole batch.
        spec: The structure of a window, of `tf.TensorSpec`s.
        num_rows: Number of rows in a pass.
        batch_size: Number of rows in a batch.
        steps: Number of batches in a pass.
        at_once: Number of batches in a window.
    """
    specs = tf.nest.flatten(spec)
    whole = num_rows // batch_size

    def windows_of(number, first, place):
        runs = _Runs(lambda number, first: generate(number, first, place), steps)
        next_window, new = in_python(runs.next), in_python(runs.new)

        def one_window(run, step):  # three times as fast as `Dataset.from_generator`
            parts = tf.numpy_function(next_window, [run, number, step], [part.dtype for part in specs])
            parts = [tf.ensure_shape(part, known.shape) for part, known in zip(parts, specs, strict=True)]
            return tf.nest.pack_sequence_as(spec, parts)

        def of_run(run):
            start = tf.where(first < whole, first // at_once * at_once, whole)
            starts = tf.data.Dataset.range(start, whole, at_once).map(lambda step: tf.maximum(step, first))
            if whole < steps:
                starts = starts.concatenate(tf.data.Dataset.range(whole, steps))
            return starts.map(lambda step: one_window(run, step))

        return tf.data.Dataset.range(1).map(lambda _: tf.numpy_function(new, [], tf.int64)).flat_map(of_run)

    return windows_of


class _Runs:
    """The generators of the active iterations: only the last few, because a dropped one can be created again."""

    def __init__(self, generate: Callable[[int, int], Windows], steps: int):
        self._generate = generate
        self._steps = steps
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._going: dict[int, tuple[int, Windows]] = {}  # run: (next step, generator)

    def new(self) -> np.ndarray:
        """Returns the number of a new iteration."""
        return np.array(next(self._numbers), "int64")

    def next(self, *place: np.ndarray) -> list[np.ndarray]:
        """Returns the parts of the window at (number of the iteration, pass, step)."""
        run, number, step = map(int, place)
        with self._lock:
            going = self._going.pop(run, None)
        generator = going[1] if going and going[0] == step else self._generate(number, step)
        step, window = next(generator)
        if step < self._steps:
            with self._lock:
                self._going[run] = step, generator
                while len(self._going) > _MAX_RUNS:
                    self._going.pop(next(iter(self._going)))
        return tf.nest.flatten(window)
