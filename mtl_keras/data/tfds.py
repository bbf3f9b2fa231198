"""A dataset of batches from TensorFlow Datasets."""

import os
from collections.abc import Callable

import tensorflow as tf

from mtl_keras._arguments import choice
from mtl_keras._types import Tensor
from mtl_keras.data._prepared import images_and_labels, to_arrays
from mtl_keras.data.from_arrays import WEIGHTS, from_arrays


def tfds(
    name: str,
    split: str,
    tasks: dict[str, Callable[[Tensor, Tensor], Tensor]],
    batch_size: int = 32,
    *,
    keep: Callable[[Tensor, Tensor], Tensor] | None = None,
    shuffle: bool = False,
    seed: int = 0,
    augment: Callable[[Tensor, Tensor], Tensor] | None = None,
    data_dir: str | os.PathLike | None = None,
    download: bool = True,
    weights: str = "auto",
) -> tf.data.Dataset:
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
        shuffle, seed, augment, weights: As in `from_arrays`.
        data_dir: Folder of the prepared data sets; by default `TFDS_DATA_DIR` or `~/tensorflow_datasets`.
        download: Whether a data set that is not prepared may be downloaded.

    Returns:
        A `tf.data.Dataset`, as from `from_arrays`.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        FileNotFoundError: If the data set is not prepared and cannot be downloaded.
        ValueError: If `split` or `tasks` is not right, or the data set has not one image and one label.

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
    choice("weights", weights, WEIGHTS)
    examples = images_and_labels(name, split, data_dir, download)
    if keep is not None:
        examples = examples.filter(keep)

    def label(image, label):
        return image, {task: function(image, label) for task, function in tasks.items()}

    arrays = to_arrays(examples.map(label, num_parallel_calls=tf.data.AUTOTUNE))
    if arrays is None:
        raise ValueError(
            f"There must be at least one example. Received: split={split!r} of {name!r}, of which `keep` leaves none."
        )
    x, y = arrays
    return from_arrays(x, y, batch_size, shuffle=shuffle, seed=seed, augment=augment, weights=weights)
