"""A smooth gate that selects k experts."""

import math
from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count, flag, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.layers._gates import shown, softmax, squared_variation


@public
class DSelectKGate(keras.layers.Layer):
    """Weighs at most k experts for each example, with k selectors that each learn to choose one expert.

    The experts 0 to E - 1 are numbered in binary with m = ⌈log2 E⌉ digits. Selector j has a soft code
    s_j = S(z_j) of m digits, and gives expert e the share r_j(e) = Π_i (s_ji if digit i of e is 1, else 1 - s_ji).
    The weights are g(e) = Σ_j softmax(w)_j·r_j(e), with z = x·W_z + b_z and w = x·W_w + b_w. The smooth step S(t) is 0
    below -γ/2, 1 above γ/2, and -2t³/γ³ + 3t/(2γ) + 1/2 in between: it becomes exactly 0 and 1, and the selectors then
    choose one expert each.

    Losses of the layer: `entropy` times the entropy of the selectors, Σ_j Σ_e -r_j(e)·ln r_j(e), which drives them to
    choose one expert; and, if E is not a power of two, Σ_j (1 / Σ_e r_j(e) - 1), which drives them away from codes
    without an expert. Both are means over the batch. Like all layer losses in Keras, they are part of `loss` and
    `val_loss`, but not of the loss of a task.

    Args:
        num_experts: Number of experts E, at least 2.
        k: Number of selectors, from 1 to E.
        gamma: Width γ of the smooth step, above 0.
        entropy: Weight of the entropy, at least 0.
        per_example: Whether the weights depend on the example; False: W_z and W_w are left out.
        balance: Weight of a load-balancing loss, at least 0: the squared coefficient of variation of Σ_b g_b(e) over
            the experts.
        labels: What `sharing.inspect` calls this gate: (row, names of the experts, end of the table's name). None: the
            name of the layer, and numbers.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, n]`.

    Returns:
        Weights that sum up to 1, or to less if a selector is on a code without an expert. `[B, num_experts]`

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gate = mtl.layers.DSelectKGate(num_experts=4, k=2)
    gate(np.ones((3, 5))).shape  # (3, 4)
    ```

    Reference: H. Hazimeh, Z. Zhao, A. Chowdhery, M. Sathiamoorthy, Y. Chen, R. Mazumder, L. Hong, E. H. Chi,
    "DSelect-k: Differentiable Selection in the Mixture of Experts with Applications to Multi-Task Learning", NeurIPS
    2021. z starts within ±γ/100 and w within ±0.05, as in the authors' program. Departures: the losses are means over
    the batch and not sums, and 1 is subtracted from the second, whose least value then is 0.
    """

    def __init__(
        self,
        num_experts: int,
        k: int = 2,
        gamma: float = 1.0,
        entropy: float = 1e-3,
        per_example: bool = True,
        balance: float = 0.0,
        labels: tuple[str, list[str], str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_experts = count("num_experts", num_experts, 2)
        self.k = count("k", k, at_most=self.num_experts, hint="A gate selects `num_experts` experts at most.")
        self.gamma = number("gamma", gamma, above=0)
        self.entropy = number("entropy", entropy, at_least=0)
        self.per_example = flag("per_example", per_example)
        self.balance = number("balance", balance, at_least=0)
        self.labels = labels
        self.num_digits = math.ceil(math.log2(self.num_experts))

    def build(self, input_shape: Shape) -> None:
        for name, width, bound in (("z", self.k * self.num_digits, self.gamma / 100), ("w", self.k, 0.05)):
            for part, shape in (("kernel", (input_shape[-1], width)), ("bias", (width,))):
                start = keras.initializers.RandomUniform(-bound, bound)  # a new one for each, with its own seed
                used = part == "bias" or self.per_example
                weight = self.add_weight(name=f"{name}_{part}", shape=shape, initializer=start) if used else None
                setattr(self, f"{name}_{part}", weight)

    def call(self, x: Tensor) -> Tensor:
        digits = smooth_step(self._logits(x, self.z_kernel, self.z_bias), self.gamma)
        selectors = code_shares(ops.reshape(digits, (-1, self.k, self.num_digits)))[..., : self.num_experts]
        weights = softmax(self._logits(x, self.w_kernel, self.w_bias))  # [B, k]
        gate = ops.einsum("bk,bke->be", weights, selectors)
        self._add_losses(selectors, gate)
        return ops.cast(gate, self.compute_dtype)

    def _logits(self, x, kernel, bias):
        if self.per_example:
            return ops.cast(ops.matmul(x, kernel) + bias, "float32")
        return ops.cast(ops.zeros_like(x[:, :1]) + bias, "float32")  # the same for each example

    def _add_losses(self, selectors, gate):
        """Adds the losses of the gate, and of the selectors' shares of the experts, [B, k, E]."""
        if self.entropy:
            entropy = -ops.sum(selectors * ops.log(selectors + 1e-6), axis=(1, 2))
            self.add_loss(self.entropy * ops.mean(entropy))
        if self.num_experts < 2**self.num_digits:
            reached = ops.maximum(ops.sum(selectors, axis=2), 1e-6)  # [B, k]
            self.add_loss(ops.mean(ops.sum(1.0 / reached - 1.0, axis=1)))
        if self.balance:
            self.add_loss(self.balance * squared_variation(gate))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_experts)

    def inspect(self, output: Tensor) -> dict[str, Any]:
        """Returns what `sharing.inspect` shows of the output.

        The mean weight of each expert, and the share of the examples that give it any: it is chosen.
        """
        output = ops.cast(output, "float32")
        means = {
            "gate": ops.mean(output, axis=0),
            "chosen": ops.mean(ops.cast(output > 1e-6, "float32"), axis=0),
        }
        return shown(self.labels, self.name, means, self.num_experts)

    def get_config(self) -> dict[str, Any]:
        names = ("num_experts", "k", "gamma", "entropy", "per_example", "balance", "labels")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def smooth_step(t: Tensor, gamma: float) -> Tensor:
    """Returns 0 below -γ/2, 1 above γ/2, and in between the cubic that has slope 0 at both ends."""
    t = ops.clip(t / gamma, -0.5, 0.5)
    return t * (1.5 - 2.0 * t * t) + 0.5


def code_shares(digits: Tensor) -> Tensor:
    """Returns the share of each binary number, from soft digits [..., m], the highest first. [..., 2^m]"""
    shares = ops.ones_like(digits[..., :1])
    for i in range(digits.shape[-1]):
        one = shares * digits[..., i : i + 1]
        pairs = ops.stack([shares - one, one], axis=-1)
        shares = ops.reshape(pairs, (-1, *digits.shape[1:-1], 2 * shares.shape[-1]))
    return shares
