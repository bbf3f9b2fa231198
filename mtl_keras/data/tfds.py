"""A dataset of batches from TensorFlow Datasets."""

import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from mtl_keras._arguments import choice, count, error
from mtl_keras._types import Tensor
from mtl_keras.data._batching import Batching
from mtl_keras.data._prepared import num_bytes, opened, shards_of, to_arrays
from mtl_keras.data._records import record_batches
from mtl_keras.data.from_arrays import WEIGHTS, from_arrays
from mtl_keras.data.mask_missing import mask_missing


def tfds(
    name: str,
    split: str,
    tasks: dict[str, Any],
    batch_size: int = 32,
    *,
    x: Any = None,
    keep: Callable | None = None,
    shuffle: bool = False,
    seed: int = 0,
    shuffle_rows: int = 16_384,
    augment: Callable[[Tensor, Tensor], Tensor] | None = None,
    data_dir: str | os.PathLike | None = None,
    download: bool = True,
    weights: str = "auto",
    in_memory_limit: int = 2**30,
) -> tf.data.Dataset:
    """Makes a `tf.data.Dataset` of batches `(x, {task: y})` from a data set of TensorFlow Datasets.

    Without `x`, the data set has one image and one label, and each task is a function of the two. With `x`, it may have
    any features: inputs and tasks are names of features, or functions of the example, a dict of tensors.

    If its files have at most `in_memory_limit` bytes, a data set is read into memory once. A larger one is read during
    training and shuffled in two levels, as in `from_records`; its batches always have weights. A data set that is
    prepared on this machine needs no network; any other is downloaded first. Needs `pip install "mtl_keras[data]"`.

    Args:
        name: Name of the data set, such as `"mnist"`.
        split: Name of the split, such as `"train"` or `"train[:90%]"`.
        tasks: `{task: function of (image, label)}`; with `x`, `{task: feature or function of the example}`. A function
            is called on the tensors of one example and returns the label of its task.
        batch_size: Number of examples in a batch.
        x: None, the name of a feature, a list of names, or a function of the example that returns the inputs, such as
            one that resizes images of different sizes.
        keep: Function of (image, label), or of the example with `x`, that returns whether to use an example; None to
            use all. Only for data sets that are read into memory.
        shuffle, seed, augment, weights: As in `from_arrays`.
        shuffle_rows: As in `from_records`, for a data set that is not read into memory.
        data_dir: Folder of the prepared data sets; by default `TFDS_DATA_DIR` or `~/tensorflow_datasets`.
        download: Whether a data set that is not prepared may be downloaded.
        in_memory_limit: Number of bytes. Encoded images take more space in memory than in files.

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        FileNotFoundError: If the data set is not prepared and cannot be downloaded.
        ValueError: If `split`, `tasks` or `x` is not valid, or rows have different sizes.

    Example:

    ```python
    def is_odd(image, label):
        return label % 2


    def test_set():
        tasks = {"digit": lambda image, label: label, "odd": is_odd}
        return mtl.data.tfds("mnist", "test", tasks, batch_size=100)


    def faces():
        tasks = {"smiling": lambda example: example["attributes"]["Smiling"], "eyes": lambda example: example["eyes"]}
        return mtl.data.tfds("celeb_a", "train", tasks, x="image", shuffle=True)
    ```
    """
    kind = "function of (image, label)" if x is None else "feature, or function of the example"
    fits = isinstance(tasks, dict) and tasks
    if not fits or not all(callable(task) or (x is not None and isinstance(task, str)) for task in tasks.values()):
        raise ValueError(
            f"`tasks` must be a dict {{task: {kind}}} with at least one task. "
            f"Received: tasks={tasks!r}. For the label itself use `lambda image, label: label`."
        )
    choice("weights", weights, WEIGHTS)
    limit = count("in_memory_limit", in_memory_limit, 0)
    batching = Batching(batch_size, shuffle, seed, False, shuffle_rows, augment)
    builder, examples = opened(name, split, data_dir, download, supervised=x is None)
    if x is not None:
        _check_names(x, tasks, examples.element_spec)

    def row(*example):
        labels = {task: one(*example) if callable(one) else example[0][one] for task, one in tasks.items()}
        return example[0] if x is None else _inputs(x, example[0]), labels

    if num_bytes(builder, split) > limit:
        if keep is not None:
            raise ValueError(
                f"`keep` must be None for a data set above `in_memory_limit`, {limit:,} bytes. Received: {name!r} with "
                f"about {num_bytes(builder, split):,}. Raise the limit, or write these examples by `write_records`."
            )
        return _streamed(builder, split, row, x is None, batching)
    if keep is not None:
        examples = examples.filter(keep)
    arrays = to_arrays(examples.map(row, num_parallel_calls=tf.data.AUTOTUNE))
    if arrays is None:
        raise ValueError(
            f"There must be at least one example. Received: split={split!r} of {name!r}, of which `keep` leaves none."
        )
    inputs, labels = arrays
    return from_arrays(inputs, labels, batch_size, shuffle=shuffle, seed=seed, augment=augment, weights=weights)


def _streamed(builder, split, row, supervised, batching):
    """Returns the batches of a data set that is read during training."""
    features, keys = builder.info.features, builder.info.supervised_keys

    def one(record):
        example = features.deserialize_example(record)
        return row(example[keys[0]], example[keys[1]]) if supervised else row(example)

    spec = tf.data.Dataset.from_tensors("").map(one).element_spec
    for part in tf.nest.flatten(spec):
        if not isinstance(part, tf.TensorSpec) or not part.shape.is_fully_defined():
            raise ValueError(
                f"Inputs and labels must be tensors of one size. Received: {part} in {builder.name!r}. Bring them to "
                "one size with functions of the example, such as `x=lambda example: tf.image.resize(example['image'], "
                "(64, 64))`."
            )

    def batch(records):
        x, y = tf.map_fn(one, records, fn_output_signature=spec)
        y = {task: tf.cast(label, tf.int32) if label.dtype == tf.bool else label for task, label in y.items()}
        return x, *mask_missing(y)

    return record_batches(shards_of(builder, split), batch, batching)


def _inputs(x, example):
    """Returns the inputs of an example."""
    if callable(x):
        return x(example)
    return example[x] if isinstance(x, str) else {name: example[name] for name in x}


def _check_names(x, tasks, features):
    """Raises a ValueError for a name that is not a feature."""
    named = [] if callable(x) else [x] if isinstance(x, str) else x
    if not isinstance(named, list | tuple) or not all(isinstance(name, str) for name in named):
        raise ValueError(error("x", "a feature, a list of features, or a function of the example", x))
    for argument, names in (("x", named), ("tasks", [task for task in tasks.values() if isinstance(task, str)])):
        unknown = [name for name in names if name not in features]
        if unknown:
            raise ValueError(f"`{argument}` must name features out of {list(features)}. Received: {unknown[0]!r}.")
