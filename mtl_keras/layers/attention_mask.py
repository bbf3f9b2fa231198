"""The mask of one task on shared features."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class AttentionMask(keras.layers.Layer):
    """Returns a mask in (0, 1) for each entry, σ(z). `sharing.inspect` shows its mean.

    Input: logits z, [B, ..., C]. Output: [B, ..., C].

    Example:

    ```python
    mtl.layers.AttentionMask()(np.array([[0.0, -100.0]]))  # 0.5 and 0
    ```

    Reference: S. Liu, E. Johns, A. J. Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, logits: Tensor) -> Tensor:
        return ops.sigmoid(logits)

    def inspect(self, output: Tensor) -> dict[str, Any]:
        """Returns what `sharing.inspect` shows of the output: its mean over entries."""
        return {"mask": {self.name: {"mean": ops.mean(ops.cast(output, "float32"))}}}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)
