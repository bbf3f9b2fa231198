"""OMoE: experts and one gate for all tasks."""

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
class OMoE(Sharing):
    """One-gate mixture of experts: all tasks share the experts and the gate that weighs them.

    f(x) = Σ_e g_e(x)·e(x), with g(x) = softmax((W·p(x) + b) / temperature). Every task has the same features. An
    expert is a copy of the tower. The gate reads p(x), the input of the experts as a vector: images become means over
    a grid of at most 4x4 cells, sequences the mean over their positions, and several inputs are concatenated.

    Args:
        num_experts: Number of experts, at least 1.
        gate_units: Widths of hidden ReLU layers of the gate.
        temperature: Softmax temperature, above 0. Lower values make each example use fewer experts.
        balance: Weight of a load-balancing loss, at least 0: the squared coefficient of variation between the
            experts of the gate's weights, summed over the batch.
        stacked: Whether to compute the experts as one batched operation, if the stages of the tower offer it. False:
            one by one.

    Raises:
        ValueError: If an argument is out of its range; when the model is built, if the gate cannot read the input.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.OMoE(num_experts=4))
    model.get_layer("shared_gate").output.shape  # (None, 4)
    ```

    Reference: R. A. Jacobs, M. I. Jordan, S. J. Nowlan, G. E. Hinton, "Adaptive Mixtures of Local Experts", Neural
    Computation 3, 1991; under this name in J. Ma et al., "Modeling Task Relationships in Multi-task Learning with
    Multi-gate Mixture-of-Experts", KDD 2018. Departures: features are mixed, not outputs, as in the second paper; a
    bias in the gate; the temperature; `balance`, from N. Shazeer et al., "Outrageously large neural networks", 2017.
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
        labels = ("shared", expert_names("expert", self.num_experts), "")
        gate = softmax_gate(
            read, "shared_gate", self.num_experts, self.gate_units, self.temperature, self.balance, labels
        )
        return dict.fromkeys(names, mix(gate, [experts], "shared_mix"))
