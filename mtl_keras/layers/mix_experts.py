"""The sum of experts with the weights of a gate."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class MixExperts(keras.layers.Layer):
    """Sums experts with the weights of a gate: y = Σ_e g_e·x_e.

    Pass one or more stacks of experts. The weights are matched with the experts in stack order, so experts that several
    gates read need no copy.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        inputs: List of the gate's weights `[B, num_experts]` and of one or more stacks `[B, experts of it, ...]`.

    Returns:
        `[B, ...]`.

    Raises:
        ValueError: If there are not as many experts as weights.

    Example:

    ```python
    gate, shared, own = np.array([[0.5, 0.25, 0.25]]), np.ones((1, 2, 4)), np.zeros((1, 1, 4))
    mtl.layers.MixExperts()([gate, shared, own])  # [[0.75, 0.75, 0.75, 0.75]]
    ```
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: list[Shape]) -> None:
        (_, num_weights), *stacks = input_shape
        num_experts = sum(shape[1] for shape in stacks)
        if num_experts != num_weights:
            raise ValueError(
                f"`inputs` must hold one expert per weight. Received: {num_experts} experts and {num_weights} weights."
            )

    def call(self, inputs: list[Tensor]) -> Tensor:
        gate, *stacks = inputs
        total, start = 0.0, 0
        for stack in stacks:
            num, axes = stack.shape[1], "uvwxyz"[: len(stack.shape) - 2]
            total += ops.einsum(f"be,be{axes}->b{axes}", gate[:, start : start + num], stack)
            start += num
        return total

    def compute_mask(self, inputs: list[Tensor], mask: list[Tensor | None] | None = None) -> Tensor | None:
        return next((m for m in (mask or [])[1:] if m is not None), None)
