"""How the rows of a source become batches: their size, and their order in two levels."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import count, error, flag, settle
from mtl_keras.data._epochs import Facts
from mtl_keras.data._passes import batch_seed


@dataclasses.dataclass(frozen=True)
class Batching:
    """Batches of rows that are shuffled in two levels: the order of blocks, and of rows within windows.

    Args:
        batch_size: Number of rows in a batch.
        shuffle: Whether each pass has an order of its own.
        seed: An int32 number.
        drop_remainder: Whether to leave out a last batch that is not full.
        shuffle_rows: Number of rows in a window, at least; windows hold whole batches.
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
        """Returns the seed of the orders at a `Place`, at least 0; None for the rows' own order."""
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
        """Returns what is known of the batches of a pass through so many rows."""
        return Facts(min(num_rows, self.steps(num_rows) * self.batch_size), self.batch_size)

    def split(self, order: np.ndarray) -> list[np.ndarray]:
        """Returns row numbers as those of whole batches and those of the rest, without what is empty or left out."""
        full = len(order) // self.batch_size * self.batch_size
        parts = [order[:full]] if self.drop_remainder else [order[:full], order[full:]]
        return [part for part in parts if len(part)]

    def rows(self, order: tf.Tensor, i: tf.Tensor) -> tf.Tensor:
        """Returns the row numbers of batch i of a window."""
        return order[i * self.batch_size : (i + 1) * self.batch_size]

    def batches(self, rows: Any, number: tf.Tensor, step: tf.Tensor) -> tf.data.Dataset:
        """Returns the batches of a structure of tensors with one first axis, augmented.

        Args:
            rows: The tensors: rows of whole batches, or of less than one.
            number: Number of the pass.
            step: Number of the first batch in the pass, int64.
        """
        num_rows = tf.shape(tf.nest.flatten(rows)[0], tf.int64)[0]
        size = self.batch_size if self.drop_remainder else tf.minimum(num_rows, self.batch_size)
        head = tf.stack([num_rows // size, size])

        def by_batch(tensor):
            row = tensor.shape[1:]
            tail = tf.constant(row.as_list(), tf.int64) if row.is_fully_defined() else tf.shape(tensor, tf.int64)[1:]
            parts = tf.reshape(tensor, head if row.rank == 0 else tf.concat([head, tail], axis=0))
            return tf.ensure_shape(parts, [None, self.batch_size if self.drop_remainder else None, *row])

        dataset = tf.data.Dataset.from_tensor_slices(tf.nest.map_structure(by_batch, rows))
        if self.augment is None:
            return dataset
        return dataset.enumerate(step).map(
            lambda step, batch: self.finished(batch, number, step),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

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
