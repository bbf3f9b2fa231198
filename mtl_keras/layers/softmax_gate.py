"""A gate that weighs experts by a softmax."""

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras.layers._gates import shown, softmax, squared_variation


@public
class SoftmaxGate(keras.layers.Layer):
    """Weighs experts for each example: g = softmax((x·W + b) / temperature).

    Args:
        num_experts: Number of experts E, at least 1.
        temperature: Positive; the lower, the nearer to one expert an example.
        balance: Factor, at least 0, of a loss that grows as few experts get the weight: the squared coefficient of
            variation of Σ_b g_be over the experts.
        labels: What `sharing.inspect` calls this gate: (row, names of the experts, end of the table's name). None: the
            name of the layer, and numbers.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, n]`.

    Returns:
        Weights that sum up to 1. `[B, num_experts]`

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    ```python
    gate = mtl.layers.SoftmaxGate(num_experts=3)
    gate(np.zeros((1, 5)))  # [[0.333, 0.333, 0.333]]
    ```

    Reference: N. Shazeer et al., "Outrageously large neural networks: the sparsely-gated mixture-of-experts layer",
    2017, for the loss.
    """

    def __init__(self, num_experts, temperature=1.0, balance=0.0, labels=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(num_experts, int) or num_experts < 1:
            raise ValueError(f"`num_experts` must be a positive integer. Received: num_experts={num_experts!r}.")
        if not temperature > 0:
            raise ValueError(f"`temperature` must be above 0. Received: temperature={temperature!r}.")
        if not balance >= 0:
            raise ValueError(f"`balance` must be at least 0. Received: balance={balance!r}.")
        self.num_experts = num_experts
        self.temperature = temperature
        self.balance = balance
        self.labels = labels

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.num_experts))
        self.bias = self.add_weight(name="bias", shape=(self.num_experts,), initializer="zeros")

    def call(self, x):
        logits = ops.cast(ops.matmul(x, self.kernel) + self.bias, "float32")
        gate = softmax(logits / self.temperature)
        if self.balance:
            self.add_loss(self.balance * squared_variation(gate))
        return ops.cast(gate, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_experts)

    def inspect(self, output):
        """Returns what `sharing.inspect` shows of the output: the mean weight of each expert."""
        means = {"gate": ops.mean(ops.cast(output, "float32"), axis=0)}
        return shown(self.labels, self.name, means, self.num_experts)

    def get_config(self):
        return {
            **super().get_config(),
            "num_experts": self.num_experts,
            "temperature": self.temperature,
            "balance": self.balance,
            "labels": self.labels,
        }
