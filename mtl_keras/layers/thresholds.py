"""One score compared with increasing thresholds."""

from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class Thresholds(keras.layers.Layer):
    """Compares one score with trained, increasing thresholds: the differences are the logits of exceeding each.

    z_k = f − θ_k with θ_1 < θ_2 < ..., θ_k = θ_1 + Σ softplus(g_j): the probabilities of passing fall from one
    threshold to the next, whatever the weights. At the beginning a score of 0 makes all classes equally probable.

    Args:
        num_thresholds: How many, at least 1.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        score: `[..., 1]`.

    Returns:
        `[..., num_thresholds]`.

    Raises:
        ValueError: If `num_thresholds` is not a positive integer, or the last axis of the input is not 1.

    Example:

    ```python
    keras.ops.sigmoid(mtl.layers.Thresholds(3)(np.array([[0.0]])))  # [[0.75, 0.5, 0.25]]
    ```

    Reference: P. McCullagh, "Regression Models for Ordinal Data", 1980.
    """

    def __init__(self, num_thresholds: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_thresholds = count("num_thresholds", num_thresholds)

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] != 1:
            raise ValueError(f"`score` must be of shape [..., 1]. Received: {list(input_shape)}.")
        share = np.arange(1, self.num_thresholds + 1) / (self.num_thresholds + 1)
        thresholds = np.log(share / (1 - share))
        steps = np.concatenate([thresholds[:1], np.log(np.expm1(np.diff(thresholds)))])  # inverse of softplus
        self.steps = self.add_weight(
            name="steps", shape=steps.shape, initializer=lambda shape, dtype: ops.convert_to_tensor(steps, dtype)
        )

    def call(self, score: Tensor) -> Tensor:
        steps = ops.convert_to_tensor(self.steps)
        thresholds = ops.cumsum(ops.concatenate([steps[:1], ops.softplus(steps[1:])]))
        return score - ops.cast(thresholds, score.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.num_thresholds)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_thresholds": self.num_thresholds}
