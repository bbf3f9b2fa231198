"""The maximum over a sequence."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.layers._lowest import lowest


@public
class MaxOverPositions(keras.layers.Layer):
    """Returns the maximum of each channel over the positions of a sequence that the Keras mask keeps.

    A sequence without such a position gives 0.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, L, C]`.

    Returns:
        `[B, C]`.

    Example:

    ```python
    mtl.layers.MaxOverPositions()(np.array([[[-3.0], [-1.0], [0.0]]]), mask=np.array([[True, True, False]]))  # -1
    ```
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return ops.max(x, axis=1)
        here = ops.expand_dims(mask, axis=-1)
        largest = ops.max(ops.where(here, x, ops.full_like(x, lowest(x))), axis=1)
        return ops.where(ops.any(here, axis=1), largest, ops.zeros_like(largest))

    def compute_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[-1])
