"""A penalty if one probability is above another."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class Calibration(keras.layers.Layer):
    """Returns logits unchanged, and adds strength · mean max(σ(z) − σ(z'), 0) to the loss.

    The penalty keeps a later step of a chain from being more probable than the one before it.

    Args:
        strength: Weight of the penalty, at least 0.

    Input: the logits z of the later and z' of the earlier step, both [B, 1]. Output: z.

    Raises:
        ValueError: If `strength` is negative.

    Example:

    ```python
    layer = mtl.layers.Calibration(strength=1.0)
    layer([np.array([[0.0]]), np.array([[-100.0]])])
    layer.losses  # [0.5]: the later step has probability 0.5, the earlier one 0
    ```

    Reference: D. Xi, Z. Chen, P. Yan, Y. Zhang, Y. Zhu, F. Zhuang, Y. Chen, "Modeling the Sequential Dependence among
    Audience Multi-step Conversions with Multi-task Learning in Targeted Display Advertising", KDD 2021. Departure: the
    mean over the batch instead of the sum.
    """

    def __init__(self, strength: float = 0.6, **kwargs: Any):
        super().__init__(**kwargs)
        self.strength = number("strength", strength, at_least=0)

    def call(self, inputs: list[Tensor]) -> Tensor:
        later, earlier = inputs
        excess = ops.relu(ops.sigmoid(later) - ops.sigmoid(earlier))
        self.add_loss(self.strength * ops.mean(excess))
        return later

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.strength}
