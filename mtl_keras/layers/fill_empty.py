"""A token for texts without tokens."""

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor


@public
class FillEmpty(keras.layers.Layer):
    """Gives every text without a token one unknown token, so that its mask keeps at least one position.

    A row of ids that are all 0, the padding, begins with 1 instead. A batch of texts without any token, which has
    length 0, gets length 1. Every other row stays as it is.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        ids: Integers `[B, L]`, 0 for the padding.

    Returns:
        int32 `[B, L]`, or `[B, 1]` if L is 0.

    Example:

    ```python
    mtl.layers.FillEmpty()(np.array([[5, 7, 0], [0, 0, 0]]))  # [[5, 7, 0], [1, 0, 0]]
    ```
    """

    def call(self, ids: Tensor) -> Tensor:
        ids = ops.cast(ids, "int32")
        if not ids.shape[1]:  # 0 or unknown
            ids = ops.pad(ids, [[0, 0], [0, 1]])[:, : ops.maximum(ops.shape(ids)[1], 1)]
        is_first = ops.equal(ops.cumsum(ops.ones_like(ids), axis=1), 1)
        is_empty = ops.logical_not(ops.any(ops.not_equal(ids, 0), axis=1, keepdims=True))  # [B, 1]
        return ops.where(ops.logical_and(is_empty, is_first), ops.ones_like(ids), ids)

    def compute_output_spec(self, ids: Tensor) -> keras.KerasTensor:
        batch, length = ids.shape
        return keras.KerasTensor((batch, None if length is None else max(length, 1)), dtype="int32")
