"""Joins the outputs of experts along a new axis."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor


@public
class StackExperts(keras.layers.Layer):
    """Stacks the outputs of experts, `[B, ...]` each, to `[B, num_experts, ...]`.

    The stack has the mask of the first expert, if there is one: experts on the same input have the same mask.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        experts: List of tensors of one shape.

    Example:

    ```python
    mtl.layers.StackExperts()([np.ones((2, 5)), np.zeros((2, 5)), np.ones((2, 5))]).shape  # (2, 3, 5)
    ```
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, experts: list[Tensor]) -> Tensor:
        return ops.stack(experts, axis=1)

    def compute_mask(self, experts: list[Tensor], mask: list[Tensor | None] | None = None) -> Tensor | None:
        return next((m for m in mask or [] if m is not None), None)
