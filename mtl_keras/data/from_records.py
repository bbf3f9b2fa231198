"""Batches from record files."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from mtl_keras._arguments import choice, error
from mtl_keras._types import Tensor, Tensors
from mtl_keras.data._batching import Batching
from mtl_keras.data._files import Files, find
from mtl_keras.data._record_spec import Shard, read_spec, structured
from mtl_keras.data._records import count_records, record_batches
from mtl_keras.data.from_arrays import WEIGHTS
from mtl_keras.data.mask_missing import mask_missing


def from_records(
    files: Files,
    batch_size: int = 32,
    *,
    parse: Callable[[Tensor], Any] | None = None,
    missing: Any = "auto",
    shuffle: bool = False,
    seed: int = 0,
    shuffle_rows: int = 16_384,
    augment: Callable[[Tensors, Tensor], Tensors] | None = None,
    drop_remainder: bool = False,
    weights: str = "auto",
) -> tf.data.Dataset:
    """Makes a `tf.data.Dataset` of batches from TFRecord files, written by `write_records` or by other programs.

    The files are read during training, so memory does not grow with their size. A shuffled pass reads the files in a
    random order, and shuffles the records within windows of `shuffle_rows`. The order depends only on `seed` and on the
    epoch. A resumed run continues reading at the window where it stopped.

    Args:
        files: A folder written by `write_records`; with `parse`, a path, a pattern, a folder or a list of them.
        batch_size: Number of rows in a batch.
        parse: None to parse by `records.json`. For other files, a function of serialized examples [B] that returns a
            batch: x, `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})`. It runs in a graph, and starts with
            `tf.io.parse_example`. The records are counted first, by the lengths in the files.
        missing: Value of missing labels, as in `mask_missing`, if the batches have weights.
        shuffle: Whether to use a new random order in each epoch. `dataset.repeat()` continues with the next order.
        seed: An int32 number.
        shuffle_rows: Number of rows in a window, rounded up to whole batches. About three windows of serialized rows
            are in memory.
        augment: As in `from_arrays`.
        drop_remainder: Whether to drop a last batch that is not full.
        weights: `"auto"`, for batches that have weights if the files do; or `"always"` (or `"elements"`).

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched, with the structure of the dataset that was written.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is cut off, or has no records. The error names the file.

    Example:

    ```python
    data = mtl.data.from_arrays({"age": [38, 44, 2]}, {"rich": [0, -1, 1]})
    mtl.data.write_records(data, "people", shards=2)
    for x, y, sample_weight in mtl.data.from_records("people", batch_size=3):
        print(x["age"].numpy(), sample_weight["rich"].numpy())  # [38 2 44] [1. 1. 0.]
    ```
    """
    batching = Batching(batch_size, shuffle, seed, drop_remainder, shuffle_rows, augment)
    choice("weights", weights, WEIGHTS)
    if parse is None:
        if not isinstance(files, str | os.PathLike):
            raise ValueError(error("files", "a folder of `write_records` if `parse` is None", files))
        features, shards = read_spec(files)
        parse = partial(_parse, features)
    elif not callable(parse):
        raise ValueError(error("parse", "a function of serialized examples [B], or None", parse))
    else:
        shards = [Shard(path, count_records(path)) for path in find(files, ".tfrecord")]
    shards = [shard for shard in shards if shard.num_rows]
    if not shards:
        raise ValueError(error("files", "files with records", files))

    def batch(records):
        parts = parse(records)
        if weights == "auto" or not isinstance(parts, tuple) or len(parts) == 1:
            return parts
        return parts[0], *mask_missing(*parts[1:], missing=missing)

    return record_batches(shards, batch, batching)


def _parse(features, records):
    """Returns a batch of the records that `write_records` wrote."""
    examples = tf.io.parse_example(records, {feature.name: feature.parsed for feature in features})
    return structured(features, [feature.decode(examples[feature.name]) for feature in features])
