"""Canvases of 64x64 pixels with one to four digits in different sizes, for detect_digits.py."""

import numpy as np
from sklearn.datasets import load_digits

import mtl_keras as mtl

CANVAS, MOST = 64, 4
SIZES = np.arange(12, 32, 2)  # length of the longer side of a digit, in pixels


def read(split, smoke):
    """Returns images of single digits and their labels, from MNIST, or the small ones of scikit-learn."""
    if smoke:
        digits = load_digits()
        return digits.images * 15, digits.target
    (images, labels), *_ = mtl.data.tfds("mnist", split, {"digit": lambda image, label: label}, batch_size=100_000)
    return images.numpy()[..., 0], labels["digit"].numpy()


def resized(image, size):
    """Returns the inked part of an image, resized by linear interpolation."""
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 50) for axis in (1, 0))
    image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype("float32")
    for axis in (0, 1):
        old = image.shape[axis]
        new = max(round(old * size / max(len(rows), len(columns))), 3)
        place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        weights = np.maximum(1 - np.abs(place[:, None] - np.arange(old)), 0)  # [new, old]
        image = np.moveaxis(np.tensordot(weights, image, axes=[1, axis]), 0, axis)
    return image


def compose(images, labels, num, seed):
    """Returns canvases, and the boxes and classes of their digits with padding, the largest digit first."""
    rng = np.random.default_rng(seed)
    canvases = np.zeros((num, CANVAS, CANVAS, 1), "uint8")
    boxes, classes = np.zeros((num, MOST, 4), "float32"), np.full((num, MOST), -1)
    for i, canvas in enumerate(canvases):
        sizes = np.sort(rng.choice(SIZES, rng.integers(1, MOST + 1), replace=False))[::-1]
        taken = np.zeros((CANVAS, CANVAS), bool)
        for size in sizes:
            which = rng.integers(len(images))
            digit = resized(images[which], size)
            for y, x in rng.integers(0, CANVAS + 1 - np.array(digit.shape), (50, 2)):
                place = slice(y, y + len(digit)), slice(x, x + digit.shape[1])
                if not taken[place].any():  # after fifty places without room, the digit is left out
                    canvas[place] = digit[..., None]
                    taken[place] = True
                    free = np.argmin(classes[i])
                    boxes[i, free] = np.array([y, x, y + len(digit), x + digit.shape[1]]) / CANVAS
                    classes[i, free] = labels[which]
                    break
    return canvases, boxes, classes
