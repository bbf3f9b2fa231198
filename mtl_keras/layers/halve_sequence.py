"""Max pooling that halves a sequence."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.layers._lowest import lowest


@public
class HalveSequence(keras.layers.Layer):
    """Pools every second token with the two after it, by their maximum: L positions become ⌈L / 2⌉.

    y_i = max(x_2i, x_2i+1, x_2i+2), without the positions that the Keras mask leaves out, and without those beyond the
    end. A position of the result is padding, and 0, if all three are. So n tokens become ⌈n / 2⌉ for any
    padding. This is not so with the pooling of Keras, whose windows shift by one with the parity of L.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, L, C]`.

    Returns:
        `[B, ⌈L / 2⌉, C]`.

    Example:

    ```python
    mtl.layers.HalveSequence()(np.array([[[3.0], [1.0], [4.0], [1.0], [5.0]]]))  # 4, 5 and 5
    ```

    Reference: R. Johnson, T. Zhang, "Deep Pyramid Convolutional Neural Networks for Text Categorization", ACL 2017.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        here = ops.ones_like(x[:, :, :1]) if mask is None else ops.cast(ops.expand_dims(mask, axis=-1), x.dtype)
        x = ops.where(here > 0, x, ops.full_like(x, lowest(x)))
        pooled = _max_of_three(ops.pad(x, [[0, 0], [0, 2], [0, 0]], constant_values=lowest(x)))
        here = _max_of_three(ops.pad(here, [[0, 0], [0, 2], [0, 0]]))
        return ops.where(here > 0, pooled, ops.zeros_like(pooled))

    def compute_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor | None:
        if mask is None:
            return None
        return _max_of_three(ops.pad(ops.cast(mask, "int32"), [[0, 0], [0, 2]])) > 0

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, length, channels = input_shape
        return (batch, None if length is None else -(-length // 2), channels)


def _max_of_three(x):
    """Returns the maxima of x_2i, x_2i+1 and x_2i+2 of a sequence [B, L + 2, ...], which ends in two of padding."""
    return ops.maximum(ops.maximum(x[:, :-2:2], x[:, 1:-1:2]), x[:, 2::2])
