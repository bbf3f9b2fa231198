"""Converts inputs that Keras does not take into inputs that it takes."""

from typing import Any

import tensorflow as tf

from mtl_keras._frames import by_input, is_frame
from mtl_keras.data._read import read


def as_tensors(x: Any, inputs: list[Any]) -> Any:
    """Returns inputs that Keras takes: data frames by input, columns of strings as tensors, others unchanged.

    Args:
        x: What was given.
        inputs: The model's inputs, a list of Keras tensors.
    """
    if is_frame(x):
        x = read("x", by_input("x", x, {tensor.name: tuple(tensor.shape) for tensor in inputs}))
        return x if len(inputs) > 1 else x[inputs[0].name]
    strings = {tensor.name: tensor.dtype == "string" for tensor in inputs}
    if isinstance(x, dict):
        return {key: _of_strings(f"x[{key!r}]", part) if strings.get(key) else part for key, part in x.items()}
    return _of_strings("x", x) if len(inputs) == 1 and strings[inputs[0].name] else x


def _of_strings(name, given):
    """Returns an array or column of strings as a tensor."""
    return read(name, given) if hasattr(given, "__array__") and not isinstance(given, tf.Tensor) else given
