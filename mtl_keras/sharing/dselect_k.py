"""DSelect-k: experts for all tasks, and a gate for each task that selects k of them."""

import dataclasses
from collections.abc import Callable

from mtl_keras._arguments import count, flag, number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import DSelectKGate
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._experts import expert_names, make_experts, mix
from mtl_keras.sharing._gates import gate_input, hidden, settle_gates


@public
@dataclasses.dataclass(frozen=True)
class DSelectK(Sharing):
    """Mixture of experts with sparse gates: each task learns to use at most k of the shared experts.

    f_t(x) = Σ_e g_te(x)·e(x). The gate g_t is a `layers.DSelectKGate` with k selectors. A selector learns the binary
    number of an expert, digit by digit, through a smooth step that becomes exactly 0 or 1. The gate is smooth, so it
    trains like other layers. An expert is a copy of the tower. The gates read p(x), the input of the experts as a
    vector: images become means over a grid of at most 4x4 cells, sequences the mean over their positions, and several
    inputs are concatenated. All experts are computed for every example.

    Args:
        num_experts: Number of experts, at least 2. With a power of two, every binary number has an expert.
        k: Largest number of experts that a task uses, from 1 to `num_experts`.
        gamma: Width of the smooth step, above 0. With smaller values it is exactly 0 or 1 sooner.
        entropy: Weight of a loss that drives each selector to one expert, at least 0: the entropy of the selector over
            the experts, mean over the batch. As all losses of layers in Keras, it is part of `loss` and `val_loss`,
            but not of the losses of the tasks: compare models by the latter.
        per_example: Whether the selection depends on the example. False: one selection per task.
        gate_units: Widths of hidden ReLU layers of each gate.
        balance: Weight of a load-balancing loss, at least 0: for each gate, the squared coefficient of variation
            between the experts of its weights, summed over the batch.
        stacked: Whether to compute the experts as one batched operation, if the stages of the tower offer it. False:
            one by one.

    Raises:
        ValueError: If an argument is out of range; when the model is built, if the gates cannot read the input.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.DSelectK(num_experts=8, k=2))
    model.get_layer("digit_gate").output.shape  # (None, 8)
    ```

    Reference: H. Hazimeh, Z. Zhao, A. Chowdhery, M. Sathiamoorthy, Y. Chen, R. Mazumder, L. Hong, E. H. Chi,
    "DSelect-k: Differentiable Selection in the Mixture of Experts with Applications to Multi-Task Learning", NeurIPS
    2021. Departures: those of the layer; `balance`, from N. Shazeer et al., "Outrageously large neural networks", 2017.
    """

    num_experts: int = 4
    k: int = 2
    gamma: float = 1.0
    entropy: float = 1e-3
    per_example: bool = True
    gate_units: tuple[int, ...] = ()
    balance: float = 0.0
    stacked: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        num_experts = count("num_experts", self.num_experts, 2)
        hint = "A task uses `num_experts` experts at most."
        settle(
            self,
            num_experts=num_experts,
            k=count("k", self.k, at_most=num_experts, hint=hint),
            gamma=number("gamma", self.gamma, above=0),
            entropy=number("entropy", self.entropy, at_least=0, hint="Use 0.0 for none."),
            per_example=flag("per_example", self.per_example),
        )
        settle_gates(self)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        experts = make_experts(stages, x, "shared", self.num_experts, self.stacked)
        read = gate_input(x, stages, "shared_gate")
        gates = {name: self._gate(name)(hidden(read, f"{name}_gate", self.gate_units)) for name in names}
        return {name: mix(gate, [experts], f"{name}_mix") for name, gate in gates.items()}

    def _gate(self, name):
        return DSelectKGate(
            self.num_experts,
            self.k,
            self.gamma,
            self.entropy,
            self.per_example,
            self.balance,
            labels=(name, expert_names("expert", self.num_experts), ""),
            name=f"{name}_gate",
        )
