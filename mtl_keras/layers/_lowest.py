"""What stands for minus infinity."""

import keras

from mtl_keras._types import Tensor


def lowest(x: Tensor) -> float:
    """Returns a number below all that a layer gives in the dtype of a tensor.

    It is finite: converters for other runtimes turn `where` into products, and infinity times 0 is NaN.
    """
    return -6e4 if keras.backend.standardize_dtype(x.dtype) == "float16" else -3e38
