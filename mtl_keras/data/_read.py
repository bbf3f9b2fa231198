"""Reads arrays and data frames into tensors, with errors that name the column."""

from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._types import Tensors


def read(name: str, data: Any) -> Tensors:
    """Returns an array as a tensor, and a dict or data frame as `{key: tensor}`.

    Args:
        name: What the error messages call `data`.
        data: An array, a dict of arrays, or whatever has `.columns` and `.to_numpy` as a pandas DataFrame.

    Raises:
        ValueError: If something is not an array of numbers or strings with a first axis.
    """
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        data = {column: data[column].to_numpy() for column in data.columns}
    if not isinstance(data, dict):
        return _tensor(f"`{name}`", data)
    for key in data:
        if not isinstance(key, str):
            raise ValueError(f"The names in `{name}` must be strings. Received: {key!r}. Rename this column.")
    return {key: _tensor(f"`{name}[{key!r}]`", array) for key, array in data.items()}


def check_lengths(named: dict[str, Tensors]) -> int:
    """Returns the one length of all arrays, or raises a ValueError that lists the lengths.

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
            f"All arrays must have the same length. Received: {listing}. Give every example one row in each."
        )
    return next(iter(lengths.values()))


def _tensor(name, data):
    array = np.asarray(data)
    if array.ndim == 0:
        raise ValueError(
            f"{name} must be an array of shape [N, ...] with one row an example. Received: {data!r}. "
            "Put the values in an array, a dict of arrays or a DataFrame."
        )
    if array.dtype == object and not all(isinstance(item, str | bytes) for item in array.flat):
        raise ValueError(
            f"{name} must hold numbers or strings alone. Received: an array of mixed Python objects. "
            'Convert it first, for example with `.astype("float32")`.'
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
