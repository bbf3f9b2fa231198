"""Batches from the rows of a table in blocks, which are read during training."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._extras import need
from mtl_keras.data._batching import Batching
from mtl_keras.data._chunks import Rows
from mtl_keras.data._column import Column
from mtl_keras.data._epochs import EpochDataset
from mtl_keras.data._generated import generated
from mtl_keras.data._passes import passes
from mtl_keras.data._roles import Roles
from mtl_keras.data.mask_missing import mask_missing


@dataclasses.dataclass(frozen=True)
class Block:
    """Rows of a table that are read together.

    Args:
        name: Name of the block in errors, such as the path of a file.
        num_rows: Number of rows.
        read: Function of a row number that yields `pyarrow.RecordBatch`es or tables of the rows from there on.
    """

    name: str
    num_rows: int
    read: Callable[[int], Iterator[Any]]


def table_batches(
    blocks: list[Block], columns: Roles, batching: Batching, *, has_weights: bool, missing: Any = "auto"
) -> EpochDataset:
    """Returns the batches of a table's rows.

    A pass takes the blocks in a random order, and shuffles their rows within windows. A window is read while batches
    are taken from the window before.

    Args:
        blocks: The blocks.
        columns: The `Column`s by role.
        batching: How rows become batches.
        has_weights: Whether the batches have weights.
        missing: As in `mask_missing`.
    """
    leaves = [column for column in tf.nest.flatten([columns.x, columns.y, columns.sample_weight]) if column]
    by_batch = any(column.by_batch for column in leaves)
    specs = (
        tf.TensorSpec([], "int64"),
        tf.TensorSpec([], "int64"),
        tf.TensorSpec([None], "int32"),
        tuple(tuple(column.specs) for column in leaves),
    )
    num_rows = sum(block.num_rows for block in blocks)
    steps = batching.steps(num_rows)

    def windows_of(number, first, place):
        key = batching.key(place)
        order = range(len(blocks)) if key is None else np.random.default_rng((key, number, 0)).permutation(len(blocks))
        first_window, left_out = divmod(first * batching.batch_size, batching.window)
        rows = Rows(_chunks([blocks[i] for i in order], first_window * batching.window, leaves))
        for window in itertools.count(first_window):
            parts = rows.take(batching.window)
            size = sum(len(part[0]) for part in parts)
            if size <= left_out:
                return
            order = batching.order(key, number, window, size)[left_out:]
            step = (window * batching.window + left_out) // batching.batch_size
            arrays = tuple(_arrays(column, [part[i] for part in parts]) for i, column in enumerate(leaves))
            for part in batching.split(order):
                start, step = step, step + batching.count(len(part))
                yield step, (np.int64(number), np.int64(start), part, arrays)
            left_out = 0

    def taken_rows(arrays, rows):
        """Returns x, (x, y) or (x, y, sample_weight) of some rows of a window."""
        by_column = dict(zip(map(id, leaves), arrays, strict=True))
        taken = columns.map(lambda column, role: _Taken(*column.take(by_column[id(column)], rows)))
        x = tf.nest.map_structure(lambda t: t.values, taken.x)
        if not taken.y:
            return x
        y = {task: t.values for task, t in taken.y.items()}
        if not has_weights:
            return x, y
        weight = {task: _weight(taken.y[task], taken.sample_weight, task) for task in y}
        return x, *mask_missing(y, weight, missing)

    def to_batches(windows):
        windows = windows.prefetch(1)
        if not by_batch:  # all at once, in a third of the time
            return batching.batches(windows, lambda order, arrays: taken_rows(arrays, order))
        return windows.flat_map(of_one_window)

    def of_one_window(number, start, order, arrays):
        def one_batch(i):
            return batching.finished(taken_rows(arrays, batching.rows(order, i)), number, start + i)

        numbers = tf.data.Dataset.range(batching.count(tf.shape(order, tf.int64)[0]))
        return numbers.map(one_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    at_once = batching.window // batching.batch_size
    windows = generated(windows_of, specs, num_rows, batching.batch_size, steps, at_once)
    return passes(windows, to_batches, steps, batching.facts(num_rows))


@dataclasses.dataclass(frozen=True)
class _Taken:
    """Rows of a column, and which of them are valid."""

    values: tf.Tensor
    valid: tf.Tensor | None


def _arrays(column, parts):
    pa = need("pyarrow", "files", "Reading a table")
    chunks = [chunk for part in parts for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
    return tuple(column.arrays(pa.chunked_array(chunks)))


def _chunks(blocks: list[Block], start: int, columns: list[Column]) -> Iterator[list[Any]]:
    """Yields the columns of blocks, starting at a row."""
    for block in blocks:
        if start >= block.num_rows:
            start -= block.num_rows
            continue
        num_rows = start
        with reading(block.name):
            for table in block.read(start):
                num_rows += table.num_rows
                arrays = [table.column(column.key) for column in columns]
                for column, array in zip(columns, arrays, strict=True):
                    column.check(array, block.name)
                yield arrays
        if num_rows != block.num_rows:
            raise ValueError(
                f"{block.name}: there must be {block.num_rows} rows, as in the first reading. Received: {num_rows}."
            )
        start = 0


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns Arrow's errors into a ValueError that names the file."""
    pa = need("pyarrow", "files", "Reading a table")
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{name} cannot be read: it is cut off, or not a file of this format. ({error})") from error


def _weight(label, given, task):
    """Returns the weight of a label: the given weight, and 0 for labels that are not valid. None means 1 everywhere."""
    given = given[task] if isinstance(given, dict) else given
    if label.valid is None:
        return None if given is None else given.values
    valid = tf.cast(label.valid, tf.float32)
    if given is None:
        return valid
    shape = tf.concat([tf.shape(valid)[:1], tf.ones(len(valid.shape) - 1, tf.int32)], axis=0)
    return valid * tf.reshape(given.values, shape)
