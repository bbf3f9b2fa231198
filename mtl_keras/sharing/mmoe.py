"""MMoE: experts for all tasks, and a gate for each task."""

import dataclasses
from collections.abc import Callable

from mtl_keras._arguments import count, number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._experts import expert_names, make_experts, mix
from mtl_keras.sharing._gates import gate_input, settle_gates, softmax_gate


@public
@dataclasses.dataclass(frozen=True)
class MMoE(Sharing):
    """Multi-gate mixture of experts: all tasks share the experts, and each task has a gate that weighs them.

    f_t(x) = Σ_e g_te(x)·e(x), with g_t(x) = softmax((W_t·p(x) + b_t) / temperature). An expert is a copy of the tower.
    The gates read p(x), the input of the experts as a vector: images become means over a grid of at most 4x4 cells,
    sequences the mean over their positions, and several inputs are concatenated.

    Args:
        num_experts: Number of experts, at least 1.
        gate_units: Widths of hidden ReLU layers of each gate.
        temperature: Softmax temperature, above 0. Lower values make each example use fewer experts.
        balance: Weight of a load-balancing loss, at least 0: for each gate, the squared coefficient of variation
            between the experts of its weights, summed over the batch.
        stacked: Whether to compute the experts as one batched operation, if the stages of the tower offer it. False:
            one by one.

    Raises:
        ValueError: If an argument is out of range; when the model is built, if the gates cannot read the input.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.MMoE(num_experts=4, temperature=0.5))
    model.get_layer("digit_gate").output.shape  # (None, 4)
    ```

    Reference: J. Ma, Z. Zhao, X. Yi, J. Chen, L. Hong, E. H. Chi, "Modeling Task Relationships in Multi-task Learning
    with Multi-gate Mixture-of-Experts", KDD 2018. Departures: a bias in the gates, the temperature, and `balance`, from
    N. Shazeer et al., "Outrageously large neural networks", 2017.
    """

    num_experts: int = 4
    gate_units: tuple[int, ...] = ()
    temperature: float = 1.0
    balance: float = 0.0
    stacked: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            num_experts=count("num_experts", self.num_experts),
            temperature=number("temperature", self.temperature, above=0),
        )
        settle_gates(self)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        experts = make_experts(stages, x, "shared", self.num_experts, self.stacked)
        read = gate_input(x, stages, "shared_gate")
        gates = {name: self._gate(read, name) for name in names}
        return {name: mix(gate, [experts], f"{name}_mix") for name, gate in gates.items()}

    def _gate(self, x, name):
        labels = (name, expert_names("expert", self.num_experts), "")
        gate = f"{name}_gate"
        return softmax_gate(x, gate, self.num_experts, self.gate_units, self.temperature, self.balance, labels)
