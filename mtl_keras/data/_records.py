"""Batches from record files, which are read during training."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras.data._batching import Batching
from mtl_keras.data._epochs import EpochDataset
from mtl_keras.data._in_python import in_python
from mtl_keras.data._passes import passes
from mtl_keras.data._record_spec import Shard

_BUFFER = 2**20  # bytes to read at a time


def record_batches(shards: list[Shard], parse: Callable[[tf.Tensor], Any], batching: Batching) -> EpochDataset:
    """Returns the batches of records.

    A pass takes the shards in a random order, and shuffles their records within windows. A window is read while batches
    are taken from the window before. Records are parsed batch by batch.

    Args:
        shards: The files of the records.
        parse: Function of serialized records [B] that returns a batch: x, (x, y) or (x, y, sample_weight).
        batching: How rows become batches.
    """
    num_rows = sum(shard.num_rows for shard in shards)
    steps = batching.steps(num_rows)

    def windows_of(number, first, place):
        def starting(number, first):
            """Returns the shards from the window of a step on, the window, and how much of it to skip."""
            key = batching.key(place)
            order = np.arange(len(shards))
            if key is not None:
                order = np.random.default_rng((key, int(number), 0)).permutation(len(shards))
            window, left_out = divmod(int(first) * batching.batch_size, batching.window)
            rows = window * batching.window
            paths, skips, takes = [], [], []
            for shard in (shards[i] for i in order):
                skipped = min(rows, shard.num_rows)
                rows -= skipped
                if skipped < shard.num_rows:
                    paths.append(shard.path)
                    skips.append(shard.first + skipped)
                    takes.append(shard.num_rows - skipped)
            ints = [np.array(values, "int64") for values in (skips, takes, window, left_out)]
            return np.array([path.encode() for path in paths], object), *ints

        def ordered(number, window, size):
            return batching.order(batching.key(place), int(number), int(window), int(size))

        kinds = [tf.string, tf.int64, tf.int64, tf.int64, tf.int64]
        paths, skips, takes, first_window, left_out = tf.numpy_function(in_python(starting), [number, first], kinds)
        files = tf.data.Dataset.from_tensor_slices(
            (tf.ensure_shape(paths, [None]), tf.ensure_shape(skips, [None]), tf.ensure_shape(takes, [None]))
        )
        records = files.flat_map(
            lambda path, skip, take: tf.data.TFRecordDataset(path, buffer_size=_BUFFER).skip(skip).take(take)
        )
        windows = records.batch(batching.window).enumerate(tf.ensure_shape(first_window, []))

        def one_window(window, records):
            """Returns the number of the pass, the first step, the order of the rows and the records."""
            order = tf.numpy_function(in_python(ordered), [number, window, tf.shape(records)[0]], tf.int32)
            out = tf.where(window == first_window, left_out, 0)
            step = (window * batching.window + out) // batching.batch_size
            return number, step, tf.ensure_shape(order, [None])[out:], records

        return windows.map(one_window)

    def batches(number, step, order, records):
        def one_batch(i):
            return batching.finished(parse(tf.gather(records, batching.rows(order, i))), number, step + i)

        numbers = tf.data.Dataset.range(batching.count(tf.shape(order, tf.int64)[0]))
        return numbers.map(one_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def to_batches(windows):
        return windows.prefetch(1).flat_map(batches)

    return passes(windows_of, to_batches, steps, batching.facts(num_rows))


def count_records(path: str) -> int:
    """Returns the number of records of a file, by the lengths stored in it, or raises a ValueError if it is cut off."""
    found = 0
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        end = 0
        while end < size:
            file.seek(end)
            head = file.read(8)
            end += struct.unpack("<Q", head)[0] + 16 if len(head) == 8 else size + 1
            found += 1
    if end > size:
        raise ValueError(
            f"{path} is cut off, or no TFRecord file: its last record ends after the file's {size:,} bytes."
        )
    return found
