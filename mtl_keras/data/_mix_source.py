"""One of several mixed datasets: the structure of its rows, and their stream from any row on."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.data._batching import bytes_per_row
from mtl_keras.data._chunks import Chunk, Rows, join, shuffle
from mtl_keras.data._epochs import EpochDataset, Facts, Place

_ROWS = 1024  # in a chunk, at most
_BYTES = 2**22


class MixSource:
    """A dataset that is read pass after pass, with a different order in each.

    A dataset of this package has a new order in each pass anyway. Any other dataset is shuffled within windows.

    Args:
        name: Name of the source in errors.
        dataset: A `tf.data.Dataset` of batches or rows `(x, {task: y})` or `(x, {task: y}, weights)`.
        shuffle_rows: Number of rows in a window.
        seed: Seed of the orders, an integer of at least 0.

    Attributes:
        x: Structure of the specs of the inputs, of one row.
        labels: `{task: spec of its label}`, of one row.
        weights: `{task: spec of its weight}`, of one row; `{}` if the dataset has no weights.
        num_rows: Number of rows in a pass. If it is unknown, the dataset is read once to count them.

    Raises:
        ValueError: If it is not such a dataset, has no rows, or is endless.
    """

    def __init__(self, name: str, dataset: Any, shuffle_rows: int, seed: int):
        self.name = name
        if not isinstance(dataset, tf.data.Dataset):
            raise ValueError(
                f"Each source must be a `tf.data.Dataset`. Received: {name!r}: a {type(dataset).__name__}. "
                "Use `mtl_keras.data.from_arrays`."
            )
        if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                f"The source {name!r} must be finite. Leave out its `.repeat()`: a mix repeats its sources."
            )
        x, y, weights = _unpacked(name, dataset.element_spec)
        self._is_batched = _is_batched(name, tf.nest.flatten((x, y)))
        self.x, self.labels, self.weights = tf.nest.map_structure(self._of_a_row, (x, y, weights))
        parts = tf.nest.flatten((self.x, self.labels, self.weights))
        self._is_of_one_shape = all(spec.shape.is_fully_defined() for spec in parts)
        self._chunk_rows = _ROWS
        if self._is_of_one_shape:
            rows = [tf.TensorSpec([None, *spec.shape], spec.dtype) for spec in parts]
            self._chunk_rows = max(1, min(_ROWS, _BYTES // bytes_per_row(rows)))
        self._dataset = dataset
        self._free: list[tuple[tf.data.Dataset, Place]] = []  # created, and not iterated now
        self._shuffle_rows = shuffle_rows
        self._seed = seed
        facts = dataset.facts if isinstance(dataset, EpochDataset) else Facts()
        self._has_order = facts.num_rows is not None
        self._batch_size = facts.batch_size
        self._to_chunk: Callable[[Any, dict, dict], Chunk] = lambda x, y, weights: tf.nest.flatten(x)
        self.num_rows: int = facts.num_rows or sum(len(chunk[0]) for chunk in self._pass(0))
        if not self.num_rows:
            raise ValueError(f"The source {name!r} must have at least one row. Received: an empty dataset.")

    def rows_from(self, position: int, to_chunk: Callable[[Any, dict, dict], Chunk]) -> Rows:
        """Returns the rows from a position on in all passes one after the other.

        Args:
            position: Number of the first row, counted from the start of pass 0.
            to_chunk: Function of the inputs, labels and weights of some rows that returns a chunk.
        """
        self._to_chunk = to_chunk

        number, row = divmod(position, self.num_rows)
        return Rows(self._ordered(number, row) if self._has_order else self._shuffled(number, row))

    def _ordered(self, number: int, row: int) -> Iterator[Chunk]:
        """Yields the batches of a dataset with its own order in each pass, starting at a row of a pass."""
        step, row = divmod(row, self._batch_size) if self._batch_size else (0, row)
        steps = int(self._dataset.cardinality())
        dataset, place = self._free.pop() if self._free else self._dataset.placed(steps, shuffle_seed=self._seed)
        place.epoch, place.step = number, step
        try:
            yield from _without(row, self._chunks(dataset))
        finally:  # also if a run is left
            self._free.append((dataset, place))

    def _shuffled(self, number: int, row: int) -> Iterator[Chunk]:
        """Yields the rows of a dataset without its own order, shuffled within windows, starting at a row of a pass."""
        for passed in itertools.count(number):
            yield from _without(row, shuffle(self._pass(passed), self._shuffle_rows, (self._seed, passed)))
            row = 0

    def _pass(self, number: int) -> Iterator[Chunk]:
        """Yields the batches of a pass; single rows are joined to chunks."""
        dataset = self._dataset
        if isinstance(dataset, EpochDataset):
            dataset, place = dataset.placed()
            place.epoch = number
        if self._is_batched:
            yield from self._chunks(dataset)
        elif self._is_of_one_shape:
            yield from self._chunks(dataset.batch(self._chunk_rows))
        else:
            yield from self._rows(dataset)

    def _chunks(self, dataset):
        options = tf.data.Options()
        options.autotune.enabled = False  # otherwise an iterator that is left within a pass may block for 10 seconds
        if self._is_batched and self._is_of_one_shape and (self._batch_size or 0) < self._chunk_rows:
            dataset = dataset.rebatch(self._chunk_rows)  # because each chunk has a fixed cost
        for batch in dataset.with_options(options).as_numpy_iterator():
            yield self._to_chunk(*_unpacked(self.name, batch))

    def _rows(self, dataset):
        """Yields single rows of different lengths, padded within each chunk of rows."""
        rows = (tf.nest.map_structure(lambda part: np.asarray(part)[None], row) for row in dataset.as_numpy_iterator())
        chunks = (self._to_chunk(*_unpacked(self.name, row)) for row in rows)
        while some := list(itertools.islice(chunks, self._chunk_rows)):
            yield join(some)

    def _of_a_row(self, spec):
        return tf.TensorSpec(spec.shape[1:] if self._is_batched else spec.shape, spec.dtype)


def _without(row, chunks):
    """Yields the chunks without the first rows of the stream."""
    for chunk in chunks:
        if row < len(chunk[0]):
            yield [array[row:] for array in chunk]
        row = max(row - len(chunk[0]), 0)


def _unpacked(name, element):
    """Returns `(x, {task: y}, {task: weight})`: `{}` without weights; a common weight is repeated for each task."""
    x, y, weights = keras.utils.unpack_x_y_sample_weight(element)
    if not isinstance(y, dict) or not y:
        raise ValueError(
            f"The source {name!r} must have labels of at least one task, `(x, {{task: y}})`. Received: {element}."
        )
    if weights is None:
        weights = {}
    return x, y, weights if isinstance(weights, dict) else dict.fromkeys(y, weights)


def _is_batched(name, specs):
    """Whether the elements of a dataset are batches: all parts of one have the same first axis."""
    for spec in specs:
        if not isinstance(spec, tf.TensorSpec) or spec.shape.rank is None:
            raise ValueError(f"The source {name!r} must have dense tensors of known rank. Received: {spec}.")
    return all(spec.shape.rank for spec in specs) and len({spec.shape[0] for spec in specs}) == 1
