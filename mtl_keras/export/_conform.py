"""Converts arrays to the dtype of a signature, or raises an error if a cast would change them."""

from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import error


def conform(name: str, given: Any, spec: tf.TensorSpec) -> np.ndarray:
    """Returns the value that a user passed for an input as an array of the input's dtype.

    Numbers become floats, and integers become other integers that can represent them. Floats do not become integers: if
    the model takes pixels in [0, 255] and gets pixels in [0, 1], all would become 0.

    Args:
        name: Name of the input in errors.
        given: Array, list or tensor.
        spec: `tf.TensorSpec` of the input.

    Raises:
        ValueError: If the input takes numbers or strings and the values are something else, a cast would change the
            values, or the shape is wrong.
    """
    try:
        array = np.asarray(given, object if spec.dtype == tf.string else None)  # bytes may end in zeros
    except ValueError as reason:
        raise ValueError(f"`{name}` must be an array of one shape. Received: {reason}.") from reason
    if spec.dtype == tf.string:
        array = _strings(name, array)
    elif array.size:
        array = _numbers(name, array, spec.dtype)
    else:  # an empty list has no dtype
        array = array.astype(spec.dtype.as_numpy_dtype)
    if not spec.shape.is_compatible_with(array.shape):
        raise ValueError(f"`{name}` must have shape {tuple(spec.shape)}. Received shape: {array.shape}.")
    return array


def _strings(name, array):
    wrong = [value for value in array.flat if not isinstance(value, str | bytes)]
    if wrong:
        raise ValueError(error(name, "strings", wrong[0]))
    return array


def _numbers(name, array, dtype):
    target = dtype.as_numpy_dtype
    if array.dtype.kind == "O":
        array = np.asarray(array.tolist())  # numbers in an array of objects
    if array.dtype.kind not in "biuf" and array.dtype != target:
        raise ValueError(f"`{name}` must hold numbers, {dtype.name}. Received: dtype {array.dtype}.")
    if not (dtype.is_integer or dtype.is_bool):
        return array.astype(target)
    if array.dtype.kind == "f":
        raise ValueError(
            f"`{name}` must hold {dtype.name}. Received: {array.dtype} from {array.min():g} to {array.max():g}. Bring "
            f"it to the scale that the model takes, round it, and convert it, such as by `.astype({dtype.name!r})`."
        )
    lowest, highest = (0, 1) if dtype.is_bool else (dtype.min, dtype.max)
    if array.min() < lowest or array.max() > highest:
        raise ValueError(
            f"`{name}` must hold {dtype.name}, from {lowest} to {highest}. Received: numbers from {array.min()} to "
            f"{array.max()}."
        )
    return array.astype(target)
