"""Copies a sequence, so that attention does not remove its mask."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class CopyWithMask(keras.layers.Layer):
    """Returns a copy of a sequence with its Keras mask, for a layer that removes the mask of its input.

    `keras.layers.MultiHeadAttention` uses the mask of its query and then removes it from that tensor. A shortcut
    around the attention, or another attention on the same tensor, would then have no mask. Put this layer before it.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: Any tensor.

    Example:

    ```python
    words = keras.layers.Embedding(9, 4, mask_zero=True)(np.array([[3, 8, 0]]))
    query = mtl.layers.CopyWithMask()(words)
    attended = keras.layers.MultiHeadAttention(2, 2)(query, query)
    keras.layers.Add()([words, attended])  # has the mask that the words have
    ```
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Tensor) -> Tensor:
        return ops.copy(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)
