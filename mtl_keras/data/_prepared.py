"""Reads data sets that TensorFlow Datasets has prepared, with errors that say how to prepare them."""

import os
import socket
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import flag
from mtl_keras.data._record_spec import Shard


def images_and_labels(name: str, split: str, data_dir: str | os.PathLike | None, download: bool) -> tf.data.Dataset:
    """Returns the `tf.data.Dataset` of (image, label) of a split, downloaded first if it is not prepared.

    Args:
        name, split, data_dir, download: As in `data.tfds`.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        FileNotFoundError: If the data set is not prepared and cannot be downloaded.
        ValueError: If `split` is invalid, the data set does not have one image and one label, or the images differ in
            size.
    """
    return opened(name, split, data_dir, download)[1]


def opened(
    name: str, split: str, data_dir: str | os.PathLike | None, download: bool, supervised: bool = True
) -> tuple[Any, tf.data.Dataset]:
    """Returns the builder of a data set and its examples, downloaded first if they are not prepared.

    Args:
        name, split, data_dir, download: As in `data.tfds`.
        supervised: Whether examples are (image, label) instead of dicts of features.

    Raises:
        ImportError, FileNotFoundError, ValueError: As in `images_and_labels`.
    """
    download = flag("download", download)
    builder = _import().builder(name, data_dir=data_dir)
    examples = _examples(builder, split, download, supervised)
    if not supervised:
        return builder, examples
    spec = examples.element_spec
    if len(spec) != 2 or not all(isinstance(part, tf.TensorSpec) for part in spec):
        raise ValueError(_not_one_label(name, f"{spec}"))
    shape = examples.element_spec[0].shape
    if not shape.is_fully_defined():
        raise ValueError(
            f"The images of a data set must have one size. Received: {name!r} with images of shape "
            f"{shape}. Resize them in a function `x` of the example."
        )
    return builder, examples


def num_bytes(builder: Any, split: str) -> int:
    """Returns the approximate size of the files of a split in bytes; 0 if it is unknown."""
    parts = [part.partition("[")[0] for part in split.split("+")]
    whole = [builder.info.splits[part] for part in parts if part in builder.info.splits]
    examples = sum(one.num_examples or 0 for one in whole)
    if not examples:
        return 0
    return int(sum(one.num_bytes or 0 for one in whole) * builder.info.splits[split].num_examples / examples)


def shards_of(builder: Any, split: str) -> list[Shard]:
    """Returns the shards of a split, or raises a ValueError if they are not TFRecord files."""
    shards = []
    for part in builder.info.splits[split].file_instructions:
        num_rows = part.examples_in_shard - part.skip if part.take < 0 else part.take
        shards.append(Shard(str(part.filename), num_rows, part.skip))
    if builder.info.file_format is None or builder.info.file_format.value != "tfrecord":
        raise ValueError(
            f"The data set must be prepared as TFRecord files to be streamed. Received: {builder.name!r}, prepared as "
            f"{builder.info.file_format}. Raise `in_memory_limit` to read it into memory."
        )
    return [shard for shard in shards if shard.num_rows]


def to_arrays(examples: tf.data.Dataset) -> Any:
    """Returns all elements of a dataset as arrays in its structure; None if it is empty."""
    chunks = list(examples.batch(1024).prefetch(2).as_numpy_iterator())
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *chunks) if chunks else None


def _import():
    """Returns the module tensorflow_datasets."""
    try:
        import importlib_resources  # noqa: F401  (tensorflow_datasets needs it when it makes a builder)
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            f'Data sets of TensorFlow Datasets need the module {error.name}. Run: pip install "mtl_keras[data]"'
        ) from error
    return tensorflow_datasets


def _examples(builder, split, download, supervised):
    """Returns the dataset of the examples, downloaded first if it is not prepared."""
    try:
        return _open(builder, split, supervised)
    except AssertionError:  # TensorFlow Datasets raises it if nothing is prepared
        if builder.is_prepared():
            raise
    if not download:
        raise FileNotFoundError(_how_to_prepare(builder, "`download=False` forbids the download"))
    if not (os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")):
        try:
            socket.create_connection(("storage.googleapis.com", 443), timeout=5).close()
        except OSError as error:
            raise FileNotFoundError(_how_to_prepare(builder, "there is no network to download it")) from error
    builder.download_and_prepare()
    return _open(builder, split, supervised)


def _open(builder, split, supervised):
    try:
        return builder.as_dataset(split=split, as_supervised=supervised, shuffle_files=False)
    except ValueError as error:
        if supervised and builder.info.supervised_keys is None:  # `split` is not the problem
            raise ValueError(_not_one_label(builder.name, f"the features {list(builder.info.features)}")) from error
        raise ValueError(
            f"`split` must be a split of {builder.name!r}, one of {sorted(builder.info.splits)}, or a part "
            f'such as "train[:90%]". Received: split={split!r}. ({error})'
        ) from error


def _not_one_label(name, received):
    return (
        f"`name` must be a data set with one image and one label. Received: {name!r}, with {received}. Name its "
        "features: `x=` for the inputs, and `tasks={task: feature}`; or read it by "
        f"`tensorflow_datasets.load({name!r})`, and give `mtl_keras.data.from_arrays` its arrays."
    )


def _how_to_prepare(builder, reason):
    return (
        f"The data set {builder.name!r} is not prepared in {builder.data_dir}, and {reason}. "
        f'Run `tensorflow_datasets.load("{builder.name}")` on a machine with network and copy its folder '
        "there, or name the folder that holds prepared data sets with `data_dir` or TFDS_DATA_DIR."
    )
