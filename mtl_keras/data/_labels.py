"""Labels as arrays, for functions that need all labels before batching."""

from typing import Any

import numpy as np

from mtl_keras.data._read import check_lengths, read
from mtl_keras.data.mask_missing import mask_missing


def read_labels(y: Any, missing: Any = "auto") -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns labels as arrays by task, and which of them are present, as booleans of the same shape.

    Args:
        y: `{task: array}` or a DataFrame.
        missing: As in `mask_missing`.
    """
    tensors = read("y", y)
    if not isinstance(tensors, dict) or not tensors:
        raise ValueError("`y` must be a dict {task: labels} or a DataFrame with one column per task.")
    check_lengths({"y": tensors})
    labels = {task: tensor.numpy() for task, tensor in tensors.items()}
    _, weights = mask_missing(tensors, missing=missing)
    there = {}
    for task, weight in weights.items():
        weight = weight.numpy() != 0
        shape = weight.shape + (1,) * (labels[task].ndim - weight.ndim)
        there[task] = np.broadcast_to(weight.reshape(shape), labels[task].shape)
    return labels, there
