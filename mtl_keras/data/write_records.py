"""Writes a dataset to record files."""

import contextlib
import os
import pathlib

import tensorflow as tf

from mtl_keras._arguments import count, error
from mtl_keras._unfinished import unfinished
from mtl_keras.data._record_spec import Feature, features_of, write_spec


def write_records(dataset: tf.data.Dataset, folder: str | os.PathLike, shards: int = 8) -> pathlib.Path:
    """Writes the rows of a dataset to TFRecord files, for `from_records`.

    Row i goes to file i modulo `shards`, so that each file has rows from the whole dataset. `records.json`, next to the
    files, has the names, dtypes, shapes and numbers of rows. The folder appears only when it is complete: it is written
    under another name and then renamed. Weights and missing labels do not change.

    Args:
        dataset: A finite dataset of batches: x, `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})`, for
            example from `from_arrays`, not shuffled. The first axis of a row may have a different length in each batch.
        folder: Folder that does not exist yet, or is empty.
        shards: Number of files. Use a few times the number of workers, and enough that a file has at most about 100 MB.

    Returns:
        The folder.

    Raises:
        ValueError: If `dataset` is endless, has no rows, or does not have batches of tensors.
        FileExistsError: If the folder is not empty.

    Example:

    ```python
    images = np.random.default_rng(0).integers(0, 255, (10, 8, 8, 1), dtype="uint8")
    labels = {"digit": np.arange(10), "ink": np.where(np.arange(10) < 5, 0.5, np.nan)}
    mtl.data.write_records(mtl.data.from_arrays(images, labels), "digits", shards=2)
    train = mtl.data.from_records("digits", batch_size=4, shuffle=True)
    ```
    """
    shards = count("shards", shards)
    if not isinstance(dataset, tf.data.Dataset):
        raise ValueError(error("dataset", "a `tf.data.Dataset` of batches", dataset))
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`dataset` must be finite. Received: an endless dataset. Use `dataset.take(steps)`.")
    features = features_of(dataset)
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"`folder` must not exist, or be empty. Received: {folder}. Remove it, or choose another."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(folder.parent) as place:
        place.mkdir()
        write_spec(place, features, _write(dataset, place, features, shards))
        os.replace(place, folder)
    return folder


def _write(dataset: tf.data.Dataset, place: pathlib.Path, features: list[Feature], shards: int) -> dict[str, int]:
    """Writes the files, and returns `{file: number of rows}`."""
    names = [f"{i:05}-of-{shards:05}.tfrecord" for i in range(shards)]
    rows, row = dict.fromkeys(names, 0), 0
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(str(place / name))) for name in names]
        for batch in dataset.as_numpy_iterator():
            arrays = _arrays(batch, features)
            for values in zip(*arrays, strict=True):
                named = {feature.name: feature.encode(value) for feature, value in zip(features, values, strict=True)}
                example = tf.train.Example(features=tf.train.Features(feature=named))
                writers[row % shards].write(example.SerializeToString())
                rows[names[row % shards]] += 1
                row += 1
    if not row:
        raise ValueError("`dataset` must have at least one row. Received: a dataset without rows.")
    return rows


def _arrays(batch, features):
    """Returns the arrays of a batch in the order of the features."""
    parts = dict(zip(("x", "y", "sample_weight"), batch if isinstance(batch, tuple) else (batch,), strict=False))
    return [parts[f.role] if f.key is None else parts[f.role][f.key] for f in features]
