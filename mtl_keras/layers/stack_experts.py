"""Joins the outputs of experts along an axis of their own."""

import keras
from keras import ops

from mtl_keras._registry import public


@public
class StackExperts(keras.layers.Layer):
    """Stacks the outputs of experts, `[B, ...]` each, to `[B, num_experts, ...]`.

    The mask of the first expert, if it has one, is that of the stack: experts on one input have the same.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        experts: List of tensors of one shape.

    Example:

    ```python
    mtl.layers.StackExperts()([np.ones((2, 5)), np.zeros((2, 5)), np.ones((2, 5))]).shape  # (2, 3, 5)
    ```
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, experts):
        return ops.stack(experts, axis=1)

    def compute_mask(self, experts, mask=None):
        return next((m for m in mask or [] if m is not None), None)
