"""A finite stand-in for minus infinity."""

import keras

from mtl_keras._types import Tensor


def lowest(x: Tensor) -> float:
    """Returns a number below all outputs of a layer, in the dtype of a tensor.

    It is finite: converters for other runtimes turn `where` into products, and infinity times 0 is NaN.
    """
    return -6e4 if keras.backend.standardize_dtype(x.dtype) == "float16" else -3e38
