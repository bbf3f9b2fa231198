"""Reads arrays and data frames into tensors, with errors that name the column."""

from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._frames import PAD, columns, has_lists, is_frame, padded
from mtl_keras._types import Tensors


def read(name: str, data: Any, pad: bool = False) -> Tensors:
    """Returns an array as a tensor, and a dict or data frame as `{key: tensor}`.

    Args:
        name: Name of `data` in errors.
        data: An array, a dict of arrays, or an object with `.columns` and `.to_numpy` like a pandas DataFrame.
        pad: Whether lists of integers of different lengths are padded with 0.

    Raises:
        ValueError: If a part is not an array of numbers or strings with a first axis, or two columns have the same
            name.
    """
    if is_frame(data):
        data = columns(name, data)
    if not isinstance(data, dict):
        return _tensor(f"`{name}`", data, pad)
    for key in data:
        if not isinstance(key, str):
            raise ValueError(f"The names in `{name}` must be strings. Received: {key!r}. Rename this column.")
    return {key: _tensor(f"`{name}[{key!r}]`", array, pad) for key, array in data.items()}


def check_lengths(named: dict[str, Tensors]) -> int:
    """Returns the common length of all arrays, or raises a ValueError that lists the lengths.

    Args:
        named: `{name: tensor or {key: tensor}}`.
    """
    lengths = {}
    for name, data in named.items():
        if isinstance(data, dict):
            lengths.update({f"{name}[{key!r}]": array.shape[0] for key, array in data.items()})
        else:
            lengths[name] = data.shape[0]
    if len(set(lengths.values())) != 1:
        listing = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise ValueError(
            f"All arrays must have the same length. Received: {listing}. Each array needs one row per example."
        )
    return next(iter(lengths.values()))


def _tensor(name, data, pad):
    array = _array(name, data, pad)
    if array.ndim == 0:
        raise ValueError(
            f"{name} must be an array of shape [N, ...] with one row per example. Received: {data!r}. "
            "Put the values in an array, a dict of arrays or a DataFrame."
        )
    if array.dtype == object and not all(isinstance(item, str | bytes) for item in array.flat):
        raise ValueError(
            f"{name} must hold numbers or strings alone. Received: an array of mixed Python objects. {_way_out(array)}"
        )
    if array.dtype.kind not in "biufUSO":
        raise ValueError(
            f"{name} must hold numbers or strings. Received: dtype {array.dtype}. "
            'Convert it first, for example with `.astype("float32")`.'
        )
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    with tf.device("CPU:0"):  # where the input pipeline runs
        return tf.convert_to_tensor(array)


def _array(name, data, pad):
    """Returns an array, or raises a ValueError for rows of different lengths."""
    if isinstance(data, tf.RaggedTensor | tf.SparseTensor):
        way_out = "x.to_tensor()" if isinstance(data, tf.RaggedTensor) else "tf.sparse.to_dense(x)"
        raise ValueError(f"{name} must be an array. Received: a {type(data).__name__}. Pad it by `{way_out}`.")
    try:
        array = np.asarray(data)
    except ValueError as error:
        if pad:
            return padded(name, data)
        raise ValueError(f"{name} must be an array. Received: rows of different lengths. {PAD}") from error
    if has_lists(array):
        if pad and array.ndim == 1:
            return padded(name, array)
        raise ValueError(f"{name} must be an array. Received: a column of lists. {PAD}")
    return array


def _way_out(array):
    """Returns advice on an array of mixed objects."""
    strings = [isinstance(item, str | bytes) for item in array.flat]
    missing = [str(item) in ("None", "nan", "<NA>", "NaT") and not isinstance(item, str | bytes) for item in array.flat]
    if any(strings) and all(s or m for s, m in zip(strings, missing, strict=True)):
        return 'Replace missing values by a string, such as by `.astype(object).fillna("")`.'
    if any(strings):
        return "Make all of them strings by `.astype(str)`, or numbers."
    return 'Convert it first, for example with `.astype("float32")`.'
