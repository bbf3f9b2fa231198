"""Reads what TensorFlow Datasets has prepared, with errors that say how to prepare it."""

import os
import socket
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import flag


def images_and_labels(name: str, split: str, data_dir: str | os.PathLike | None, download: bool) -> tf.data.Dataset:
    """Returns the `tf.data.Dataset` of (image, label) of a split, downloaded first where it is not prepared.

    Args:
        name, split, data_dir, download: As in `data.tfds`.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        FileNotFoundError: If the data set is not prepared and cannot be downloaded.
        ValueError: If `split` is not right, the data set has not one image and one label, or the images have several
            sizes.
    """
    download = flag("download", download)
    examples = _examples(_import().builder(name, data_dir=data_dir), split, download)
    spec = examples.element_spec
    if len(spec) != 2 or not all(isinstance(part, tf.TensorSpec) for part in spec):
        raise ValueError(_not_one_label(name, f"{spec}"))
    shape = examples.element_spec[0].shape
    if not shape.is_fully_defined():
        raise ValueError(
            f"The images of a data set must have one size. Received: {name!r} with images of shape "
            f"{shape}. Resize them in a tf.data pipeline of your own."
        )
    return examples


def to_arrays(examples: tf.data.Dataset) -> Any:
    """Returns all elements of a dataset as arrays of its structure, or None if it has none."""
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


def _examples(builder, split, download):
    """Returns the dataset of (image, label), downloaded first where it is not prepared."""
    try:
        return _open(builder, split)
    except AssertionError:  # how TensorFlow Datasets says that nothing is prepared
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
    return _open(builder, split)


def _open(builder, split):
    try:
        return builder.as_dataset(split=split, as_supervised=True, shuffle_files=False)
    except ValueError as error:
        if builder.info.supervised_keys is None:  # which is no fault of the split
            raise ValueError(_not_one_label(builder.name, f"the features {list(builder.info.features)}")) from error
        raise ValueError(
            f"`split` must be a split of {builder.name!r}, one of {sorted(builder.info.splits)}, or a part "
            f'such as "train[:90%]". Received: split={split!r}. ({error})'
        ) from error


def _not_one_label(name, received):
    return (
        f"`name` must be a data set with one image and one label. Received: {name!r}, with {received}. Read it by "
        f"`tensorflow_datasets.load({name!r})`, and give `mtl_keras.data.from_arrays` its arrays, with a task for each "
        "label."
    )


def _how_to_prepare(builder, reason):
    return (
        f"The data set {builder.name!r} is not prepared in {builder.data_dir}, and {reason}. "
        f'Run `tensorflow_datasets.load("{builder.name}")` on a machine with network and copy its folder '
        "there, or name the folder that holds prepared data sets with `data_dir` or TFDS_DATA_DIR."
    )
