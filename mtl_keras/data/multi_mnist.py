"""Puts two images on one canvas, with one task for each."""

import os

import numpy as np

from mtl_keras._arguments import count
from mtl_keras._types import Tensor
from mtl_keras.data._prepared import images_and_labels, to_arrays


def multi_mnist(
    images: Tensor | str,
    labels: Tensor | None = None,
    *,
    split: str = "train",
    canvas: int = 36,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
    download: bool = True,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Puts each image on a canvas with a second one. The tasks are to classify the left and the right image.

    The image is in the top left corner of the canvas, its partner in the bottom right corner. Where they overlap, the
    brighter pixel counts. The partners are a random permutation of the images, so that each image is once the left and
    once the right one. MNIST gives MultiMNIST; any other images of one size work too.

    Args:
        images: Images of shape [N, H, W] or [N, H, W, C], not negative, because the background is 0; or the name of a
            data set of TensorFlow Datasets, such as `"mnist"`, which needs `pip install "mtl_keras[data]"`.
        labels: Labels of the images, of shape [N] or [N, ...]; None if `images` is a name.
        split: Part of the named data set, such as `"train"` or `"train[:90%]"`. Split before this function, not after
            it: otherwise an image may be in two parts.
        canvas: Height and width of the canvas, above those of the images.
        seed: Seed of the permutation, an integer, at least 0.
        data_dir, download: As in `tfds`.

    Returns:
        The canvases, of shape [N, canvas, canvas, C] and the dtype of the images, and the labels `{"left": labels,
        "right": labels of the partners}`. Pass both to `from_arrays`.

    Raises:
        ImportError: If a data set is named and tensorflow-datasets is not installed.
        FileNotFoundError: If the data set is not prepared and cannot be downloaded.
        ValueError: If an argument has the wrong shape or is out of range.

    Example:

    ```python
    digits = np.random.default_rng(0).integers(0, 256, (10, 28, 28), dtype="uint8")
    x, y = mtl.data.multi_mnist(digits, np.arange(10))  # from disk: mtl.data.multi_mnist("mnist", split="train")
    print(x.shape, y["left"][:2], y["right"][:2])  # (10, 36, 36, 1) [0 1] and two others
    train = mtl.data.from_arrays(x, y, batch_size=5, shuffle=True)
    ```

    Reference:
        Ozan Sener and Vladlen Koltun, "Multi-Task Learning as Multi-Objective Optimization", 2018, after Sara Sabour,
        Nicholas Frosst and Geoffrey Hinton, "Dynamic Routing Between Capsules", 2017. Departures from the authors'
        program: the right digit is exactly in the corner, 8 pixels from the left one, instead of 6, so that the digits
        overlap less here (`canvas=34` gives their overlap); the canvas is not reduced to 28x28 by dropping rows and
        columns; the partners are a seeded permutation, where the authors draw a new one for each image without a seed.
    """
    if isinstance(images, str):
        images, labels = _read(images, labels, split, data_dir, download)
    images, labels = _checked(images, labels)
    height, width = images.shape[1:3]
    larger = max(height, width)
    hint = f"It must be larger than the images, {height}x{width}. Use canvas={larger + 8}, for example."
    canvas = count("canvas", canvas, larger + 1, hint=hint)
    partners = np.random.default_rng(count("seed", seed, 0)).permutation(len(images))
    canvases = np.zeros((len(images), canvas, canvas, images.shape[3]), images.dtype)
    canvases[:, :height, :width] = images
    corner = canvases[:, canvas - height :, canvas - width :]
    np.maximum(corner, images[partners], out=corner)
    return canvases, {"left": labels, "right": labels[partners]}


def _read(name, labels, split, data_dir, download):
    """Returns the images and the labels of a data set of TensorFlow Datasets."""
    if labels is not None:
        raise ValueError(
            f"`labels` must be None if `images` names a data set, which has its own. Received: images={name!r} and "
            f"labels of shape {np.shape(labels)}. Choose the part of {name!r} to read by `split`."
        )
    return to_arrays(images_and_labels(name, split, data_dir, download))


def _checked(images, labels):
    """Returns the images as an array [N, H, W, C] and the labels as an array."""
    images = np.asarray(images)
    if images.ndim not in (3, 4) or 0 in images.shape or images.dtype.kind not in "biuf":
        raise ValueError(
            "`images` must be numbers of shape [N, H, W] or [N, H, W, C], or the name of a data set. "
            f"Received: {images.dtype} of shape {images.shape}."
        )
    if images.min() < 0:
        raise ValueError(
            "`images` must not be negative: the background is 0, and the larger pixel counts. "
            f"Received: a smallest pixel of {images.min()}. Standardize the canvases afterwards instead."
        )
    labels = np.asarray(labels)
    if labels.ndim == 0 or len(labels) != len(images):
        raise ValueError(
            f"`labels` must have one row per image, {len(images)} in all. Received: labels of shape {labels.shape}."
        )
    return images.reshape(*images.shape[:3], -1), labels
