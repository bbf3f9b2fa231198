"""The parameters of a normal distribution."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class MeanAndDeviation(keras.layers.Layer):
    """Turns two numbers into the mean and the standard deviation of a normal distribution.

    μ = z_1 and σ = softplus(z_2) + `min_deviation`.

    Args:
        min_deviation: Lower bound of σ, above 0, so that the likelihood of one label cannot grow without bound.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        values: `[..., 2]`.

    Returns:
        `[..., 2]`, the mean and the standard deviation.

    Raises:
        ValueError: If `min_deviation` is not above 0, or the last axis of the input is not 2.

    Example:

    ```python
    mtl.layers.MeanAndDeviation()(np.array([[3.0, 0.0]]))  # [[3.0, 0.694]]
    ```
    """

    def __init__(self, min_deviation: float = 1e-3, **kwargs: Any):
        super().__init__(**kwargs)
        self.min_deviation = number("min_deviation", min_deviation, above=0)

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] != 2:
            raise ValueError(f"`values` must be of shape [..., 2]. Received: {list(input_shape)}.")

    def call(self, values: Tensor) -> Tensor:
        return ops.concatenate([values[..., :1], ops.softplus(values[..., 1:]) + self.min_deviation], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "min_deviation": self.min_deviation}
