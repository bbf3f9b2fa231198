"""Transfer from one task to the next, by attention."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class AttentiveTransfer(keras.layers.Layer):
    """Mixes the features of a task with those from another task, by attention.

    z = Σ_u w_u · V·u over u ∈ {p, q}, w = softmax of ⟨Q·u, K·u⟩ / √C, with trained matrices Q, K and V.

    Input: p from the other task and q of the task itself, both [B, ..., C]. Output: z, [B, ..., C].

    Example:

    ```python
    transfer = mtl.layers.AttentiveTransfer()
    transfer([np.ones((2, 3)), np.zeros((2, 3))]).shape  # (2, 3)
    ```

    Reference: D. Xi, Z. Chen, P. Yan, Y. Zhang, Y. Zhu, F. Zhuang, Y. Chen, "Modeling the Sequential Dependence among
    Audience Multi-step Conversions with Multi-task Learning in Targeted Display Advertising", KDD 2021.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: list[Shape]) -> None:
        channels = input_shape[0][-1]
        for name in ("query", "key", "value"):
            setattr(self, name, self.add_weight(name=name, shape=(channels, channels)))

    def call(self, inputs: list[Tensor]) -> Tensor:
        sources = ops.stack(inputs, axis=-2)  # [B, ..., 2, C]
        weights = ops.expand_dims(self._attention(sources), -1)
        return ops.sum(weights * ops.matmul(sources, self.value), axis=-2)

    def _attention(self, sources):
        """Returns the weights of the two sources, [B, ..., 2]."""
        scores = ops.sum(ops.matmul(sources, self.query) * ops.matmul(sources, self.key), axis=-1)
        return ops.softmax(scores / sources.shape[-1] ** 0.5)

    def compute_mask(self, inputs: list[Tensor], previous_mask: list[Tensor | None] | None) -> Tensor | None:
        return previous_mask[1] if previous_mask else None

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[1])
