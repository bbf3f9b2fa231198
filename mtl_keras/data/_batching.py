"""Turns the rows of a source into batches: their size, and their two-level shuffling."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import count, error, flag, settle
from mtl_keras.data._epochs import Facts
from mtl_keras.data._passes import batch_seed

_MAX_BATCHES = 64
_MAX_BYTES = 2**22
_STRING_BYTES = 24


@dataclasses.dataclass(frozen=True)
class Batching:
    """Batches of rows, shuffled in two levels: the order of blocks, and the order of rows within windows.

    Args:
        batch_size: Number of rows in a batch.
        shuffle: Whether each pass has a new order.
        seed: An int32 number.
        drop_remainder: Whether to drop a last batch that is not full.
        shuffle_rows: Minimum number of rows in a window; windows have whole batches.
        augment: None, or a function `(x, seed) -> x` on a batch.
    """

    batch_size: int
    shuffle: bool
    seed: int
    drop_remainder: bool
    shuffle_rows: int = 1
    augment: Callable | None = None

    def __post_init__(self) -> None:
        settle(
            self,
            batch_size=count("batch_size", self.batch_size),
            shuffle=flag("shuffle", self.shuffle),
            seed=count("seed", self.seed, -(2**31), at_most=2**31 - 1),
            shuffle_rows=count("shuffle_rows", self.shuffle_rows),
            drop_remainder=flag("drop_remainder", self.drop_remainder),
        )
        if self.augment is not None and not callable(self.augment):
            raise ValueError(error("augment", "a function `(x, seed) -> x` or None", self.augment))

    @property
    def window(self) -> int:
        """Number of rows in a window."""
        return -(-self.shuffle_rows // self.batch_size) * self.batch_size

    def key(self, place: Any) -> int | None:
        """Returns the seed of the orders at a `Place`, at least 0; None for the original order of the rows."""
        key = self.seed if self.shuffle else place.shuffle_seed
        return None if key is None else int(key) % 2**32

    def order(self, key: int | None, number: int, window: int, size: int) -> np.ndarray:
        """Returns the order of a window's rows, int32."""
        if key is None:
            return np.arange(size, dtype="int32")
        return np.random.default_rng((key, number, 1, window)).permutation(size).astype("int32")

    def count(self, num_rows: Any) -> Any:
        """Returns the number of batches of a number or tensor of rows."""
        return num_rows // self.batch_size if self.drop_remainder else -(-num_rows // self.batch_size)

    def steps(self, num_rows: int) -> int:
        """Returns the number of batches of a pass, or raises a ValueError if there is none."""
        steps = self.count(num_rows)
        if steps == 0:
            raise ValueError(
                f"There must be at least one batch. Received: {num_rows} examples, batch_size={self.batch_size}, "
                f"drop_remainder={self.drop_remainder}. Use a smaller `batch_size`, or more data."
            )
        return steps

    def facts(self, num_rows: int) -> Facts:
        """Returns the `Facts` about the batches of a pass with this number of rows."""
        return Facts(min(num_rows, self.steps(num_rows) * self.batch_size), self.batch_size)

    def split(self, order: np.ndarray) -> list[np.ndarray]:
        """Splits row numbers into those of whole batches and those of the rest, without empty or dropped parts."""
        parts = split(order, self.batch_size)
        return [part for part in parts if len(part) >= self.batch_size or not self.drop_remainder]

    def rows(self, order: tf.Tensor, i: tf.Tensor) -> tf.Tensor:
        """Returns the row numbers of batch i of a window."""
        return order[i * self.batch_size : (i + 1) * self.batch_size]

    def batches(self, windows: tf.data.Dataset, rows_of: Callable, parallel: bool = False) -> tf.data.Dataset:
        """Returns the batches of windows, augmented.

        Args:
            windows: Dataset of `(number of the pass, first step, *parts)`.
            rows_of: Function of the parts of a window that returns its rows, a structure of tensors with one first
                axis: whole batches, or less than one.
            parallel: Whether to take the rows of several windows at once.
        """

        def by_batch(number, step, *parts):
            rows = stacked(rows_of(*parts), self.batch_size, self.drop_remainder)
            if self.augment is None:
                return rows
            steps = step + tf.range(tf.shape(tf.nest.flatten(rows)[0], tf.int64)[0])
            return rows, tf.fill(tf.shape(steps), number), steps

        calls = tf.data.AUTOTUNE if parallel else None
        dataset = windows.map(by_batch, num_parallel_calls=calls, deterministic=True if parallel else None).unbatch()
        if self.augment is None:
            return dataset
        return dataset.map(self.finished, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def finished(self, batch: Any, number: tf.Tensor, step: tf.Tensor) -> Any:
        """Returns a batch with its static size, augmented.

        Args:
            batch: x, (x, y) or (x, y, sample_weight).
            number: Number of the pass.
            step: Number of the batch in the pass.
        """
        batch = tf.nest.map_structure(self._fixed, batch)
        if self.augment is None:
            return batch
        x, *others = batch if isinstance(batch, tuple) else (batch,)
        x = self.augment(x, batch_seed(self.seed, number, step))
        return (x, *others) if others else x

    def _fixed(self, tensor):
        return tf.ensure_shape(tensor, [self.batch_size if self.drop_remainder else None, *tensor.shape[1:]])


def split(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Splits row numbers into those of whole batches and those of the rest, without empty parts."""
    whole = len(order) // batch_size * batch_size
    return [part for part in (order[:whole], order[whole:]) if len(part)]


def bytes_per_row(rows: Any) -> int:
    """Returns the size of a row of a structure of tensors, or of specs, of known shapes [N, ...]."""
    parts = tf.nest.flatten(rows)
    return sum((part.dtype.size or _STRING_BYTES) * (part.shape[1:].num_elements() or 1) for part in parts)


def batches_at_once(bytes_per_row: float, batch_size: int) -> int:
    """Returns how many batches to make at once, because each part of a batch has a fixed cost."""
    return max(1, min(_MAX_BATCHES, int(_MAX_BYTES / (bytes_per_row * batch_size))))


def stacked(rows: Any, batch_size: int, drop_remainder: bool = False) -> Any:
    """Returns the rows of a structure of tensors [N, ...] by batch, [N / B, B, ...].

    Args:
        rows: The tensors: rows of whole batches, or of less than one.
        batch_size: Number of rows in a batch.
        drop_remainder: Whether there are whole batches only, which the shapes say.
    """
    num_rows = tf.shape(tf.nest.flatten(rows)[0], tf.int64)[0]
    size = batch_size if drop_remainder else tf.minimum(num_rows, batch_size)
    head = tf.stack([num_rows // size, size])

    def by_batch(tensor):
        row = tensor.shape[1:]
        tail = tf.constant(row.as_list(), tf.int64) if row.is_fully_defined() else tf.shape(tensor, tf.int64)[1:]
        parts = tf.reshape(tensor, head if row.rank == 0 else tf.concat([head, tail], axis=0))
        return tf.ensure_shape(parts, [None, batch_size if drop_remainder else None, *row])

    return tf.nest.map_structure(by_batch, rows)
