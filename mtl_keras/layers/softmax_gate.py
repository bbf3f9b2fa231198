"""A gate that weighs experts by a softmax."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.layers._gates import shown, softmax, squared_variation


@public
class SoftmaxGate(keras.layers.Layer):
    """Weighs experts for each example: g = softmax((x·W + b) / temperature).

    Args:
        num_experts: Number of experts E, at least 1.
        temperature: Softmax temperature, above 0. Lower values make each example use fewer experts.
        balance: Weight of a load-balancing loss, at least 0: the squared coefficient of variation of Σ_b g_be over the
            experts.
        labels: What `sharing.inspect` calls this gate: (row, names of the experts, end of the table's name). None: the
            name of the layer, and numbers.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, n]`.

    Returns:
        Weights that sum up to 1. `[B, num_experts]`

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gate = mtl.layers.SoftmaxGate(num_experts=3)
    gate(np.zeros((1, 5)))  # [[0.333, 0.333, 0.333]]
    ```

    Reference: N. Shazeer et al., "Outrageously large neural networks: the sparsely-gated mixture-of-experts layer",
    2017, for the loss.
    """

    def __init__(
        self,
        num_experts: int,
        temperature: float = 1.0,
        balance: float = 0.0,
        labels: tuple[str, list[str], str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_experts = count("num_experts", num_experts)
        self.temperature = number("temperature", temperature, above=0)
        self.balance = number("balance", balance, at_least=0)
        self.labels = labels

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.num_experts))
        self.bias = self.add_weight(name="bias", shape=(self.num_experts,), initializer="zeros")

    def call(self, x: Tensor) -> Tensor:
        logits = ops.cast(ops.matmul(x, self.kernel) + self.bias, "float32")
        gate = softmax(logits / self.temperature)
        if self.balance:
            self.add_loss(self.balance * squared_variation(gate))
        return ops.cast(gate, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_experts)

    def inspect(self, output: Tensor) -> dict[str, Any]:
        """Returns what `sharing.inspect` shows of the output: the mean weight of each expert."""
        means = {"gate": ops.mean(ops.cast(output, "float32"), axis=0)}
        return shown(self.labels, self.name, means, self.num_experts)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_experts": self.num_experts,
            "temperature": self.temperature,
            "balance": self.balance,
            "labels": self.labels,
        }
