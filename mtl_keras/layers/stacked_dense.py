"""Several dense layers as one operation."""

from collections.abc import Callable
from typing import Any

import keras
from keras import initializers, ops

from mtl_keras._arguments import count, flag
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class StackedDense(keras.layers.Layer):
    """Applies `num_experts` dense layers as one batched operation.

    y_e = activation(x_e·W_e + b_e). Each kernel W_e is initialised separately, with its own seed. Its fan-in and
    fan-out are those of a single layer, and no two kernels start equal.

    Args:
        num_experts: Number of dense layers, at least 1.
        units: Width of each.
        activation: Name of a Keras activation, or a function.
        use_bias: Whether each has a bias.
        kernel_initializer: Initializer of one kernel `[n, units]`, drawn separately for each.
        bias_initializer: Initializer of one bias `[units]`.
        kernel_regularizer: Regularizer of all kernels together, `[num_experts, n, units]`.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, n]`, the same for all; or `[B, num_experts, n]`.

    Returns:
        `[B, num_experts, units]`.

    Raises:
        ValueError: If a number is not positive, or the input has another shape.

    Example:

    ```python
    layer = mtl.layers.StackedDense(num_experts=4, units=3, activation="relu")
    layer(np.ones((2, 5))).shape  # (2, 4, 3)
    ```
    """

    def __init__(
        self,
        num_experts: int,
        units: int,
        activation: str | Callable | None = None,
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer = "glorot_uniform",
        bias_initializer: str | initializers.Initializer = "zeros",
        kernel_regularizer: str | keras.regularizers.Regularizer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_experts = count("num_experts", num_experts)
        self.units = count("units", units)
        self.activation = keras.activations.get(activation)
        self.use_bias = flag("use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) not in (2, 3) or (len(input_shape) == 3 and input_shape[1] != self.num_experts):
            raise ValueError(
                f"`x` must be of shape [B, n] or [B, {self.num_experts}, n]. Received: {list(input_shape)}. "
                "Flatten an input that all layers read."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.num_experts, input_shape[-1], self.units),
            initializer=_each(self.kernel_initializer),
            regularizer=self.kernel_regularizer,
        )
        self.bias = None
        if self.use_bias:
            shape = (self.num_experts, self.units)
            self.bias = self.add_weight(name="bias", shape=shape, initializer=_each(self.bias_initializer))

    def call(self, x: Tensor) -> Tensor:
        equation = "bi,eiu->beu" if len(x.shape) == 2 else "bei,eiu->beu"
        x = ops.einsum(equation, x, self.kernel)
        return self.activation(x if self.bias is None else x + self.bias)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_experts, self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_experts": self.num_experts,
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def _each(initializer):
    """Returns an initializer that draws each slice of the first axis separately."""

    def initialize(shape, dtype=None):
        return ops.stack([_copy(initializer, i)(shape[1:], dtype=dtype) for i in range(shape[0])])

    return initialize


def _copy(initializer, i):
    """Returns the i-th of several initializers that draw different numbers. A single one would repeat its numbers."""
    if not isinstance(initializer, initializers.Initializer):
        return initializer  # a function
    config = initializer.get_config()
    seed = config.get("seed")
    if isinstance(seed, int):
        config["seed"] = seed + i
    elif seed is not None:
        return initializer  # a seed generator, whose state changes with each draw
    return type(initializer).from_config(config)
