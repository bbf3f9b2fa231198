"""Increasing sequences."""

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class Increasing(keras.layers.Layer):
    """Turns arbitrary values on the last axis into an increasing sequence: the first value, then positive steps.

    v_1 = z_1, v_k = v_{k-1} + softplus(z_k).

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        values: `[..., K]`.

    Returns:
        `[..., K]`.

    Example:

    ```python
    mtl.layers.Increasing()(np.array([[1.0, 0.0, -5.0]]))  # [[1.0, 1.69, 1.70]]
    ```
    """

    def call(self, values: Tensor) -> Tensor:
        return ops.cumsum(ops.concatenate([values[..., :1], ops.softplus(values[..., 1:])], axis=-1), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
