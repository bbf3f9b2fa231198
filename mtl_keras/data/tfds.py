"""A dataset of batches from TensorFlow Datasets."""

import os
import socket

import numpy as np
import tensorflow as tf

from mtl_keras.data.from_arrays import from_arrays


def tfds(
    name,
    split,
    tasks,
    batch_size=32,
    *,
    keep=None,
    shuffle=False,
    seed=0,
    augment=None,
    data_dir=None,
    download=True,
):
    """Makes a `tf.data.Dataset` of batches `(image, {task: y})` from a data set of TensorFlow Datasets.

    The data set is read into memory once. One that is prepared on this machine needs no network; another
    one is downloaded first. Needs `pip install "mtl_keras[data]"`.

    Args:
        name: Name of the data set, such as `"mnist"`: one with images of one size and a label.
        split: Name of the split, such as `"train"` or `"train[:90%]"`.
        tasks: `{task: function of (image, label)}`. A function is called on the tensors of one example and
            returns the label of its task.
        batch_size: Number of examples in a batch.
        keep: Function of (image, label) that says whether an example is used; None to use all.
        shuffle, seed, augment: As in `from_arrays`.
        data_dir: Folder of the prepared data sets; by default `TFDS_DATA_DIR` or `~/tensorflow_datasets`.
        download: Whether a data set that is not prepared may be downloaded.

    Returns:
        A `tf.data.Dataset`, as from `from_arrays`.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        FileNotFoundError: If the data set is not prepared and cannot be downloaded.
        ValueError: If `split` or `tasks` is not right.

    Example:

    ```python
    def is_odd(image, label):
        return label % 2


    def test_set():
        tasks = {"digit": lambda image, label: label, "odd": is_odd}
        return mtl.data.tfds("mnist", "test", tasks, batch_size=100)
    ```
    """
    if not isinstance(tasks, dict) or not tasks or not all(callable(function) for function in tasks.values()):
        raise ValueError(
            "`tasks` must be a dict {task: function of (image, label)} with at least one task. "
            f"Received: tasks={tasks!r}. For the label itself use `lambda image, label: label`."
        )
    builder = _import().builder(name, data_dir=data_dir)
    examples = _examples(builder, split, download)
    if keep is not None:
        examples = examples.filter(keep)
    image = examples.element_spec[0]
    if not image.shape.is_fully_defined():
        raise ValueError(
            f"The images of a data set must have one size. Received: {name!r} with images of shape "
            f"{image.shape}. Resize them in a tf.data pipeline of your own."
        )

    def label(image, label):
        return image, {task: function(image, label) for task, function in tasks.items()}

    chunks = examples.map(label, num_parallel_calls=tf.data.AUTOTUNE).batch(1024).prefetch(2)
    chunks = list(chunks.as_numpy_iterator())
    if not chunks:
        raise ValueError(
            f"There must be at least one example. Received: split={split!r} of {name!r}, of which `keep` leaves none."
        )
    x, y = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *chunks)
    return from_arrays(x, y, batch_size, shuffle=shuffle, seed=seed, augment=augment)


def _import():
    """Returns the module tensorflow_datasets."""
    try:
        import importlib_resources  # noqa: F401  (tensorflow_datasets needs it when it makes a builder)
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            f'`mtl_keras.data.tfds` needs the module {error.name}. Run: pip install "mtl_keras[data]"'
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
        raise ValueError(
            f"`split` must be a split of {builder.name!r}, one of {sorted(builder.info.splits)}, or a part "
            f'such as "train[:90%]". Received: split={split!r}. ({error})'
        ) from error


def _how_to_prepare(builder, reason):
    return (
        f"The data set {builder.name!r} is not prepared in {builder.data_dir}, and {reason}. "
        f'Run `tensorflow_datasets.load("{builder.name}")` on a machine with network and copy its folder '
        "there, or name the folder that holds prepared data sets with `data_dir` or TFDS_DATA_DIR."
    )
