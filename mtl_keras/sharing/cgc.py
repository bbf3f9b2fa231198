"""CGC: experts for all tasks, experts for each task, and a gate for each task."""

import dataclasses
from collections.abc import Callable

from mtl_keras._arguments import count, number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._gates import settle_gates
from mtl_keras.sharing._levels import gated_levels


@public
@dataclasses.dataclass(frozen=True)
class CGC(Sharing):
    """Customized gate control: the gate of a task weighs the shared experts and the task's own experts.

    f_t(x) = Σ_e g_te(x)·e(x) over the shared experts and those of task t, with
    g_t(x) = softmax((W_t·p(x) + b_t) / temperature). An expert is a copy of the tower. The gates read p(x), the input
    of the experts as a vector: images become means over a grid of at most 4x4 cells, sequences the mean over their
    positions, and several inputs are concatenated. `ple` stacks this in levels.

    Args:
        num_shared_experts: Number of experts that all tasks share, at least 1.
        num_task_experts: Number of experts of each task, at least 1.
        gate_units: Widths of hidden ReLU layers of each gate.
        temperature: Softmax temperature, above 0. Lower values make each example use fewer experts.
        balance: Weight of a load-balancing loss, at least 0: for each gate, the squared coefficient of variation
            between the experts of its weights, summed over the batch.
        stacked: Whether to compute the experts of a task, and the shared ones, as one batched operation, if the stages
            of the tower offer it. False: one by one.

    Raises:
        ValueError: If an argument is out of range; when the model is built, if the gates cannot read the input.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.CGC(num_shared_experts=3, num_task_experts=1))
    model.get_layer("digit_gate").output.shape  # (None, 4)
    ```

    Reference: H. Tang, J. Liu, M. Zhao, X. Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning
    Model for Personalized Recommendations", RecSys 2020, section 4.1. Departures: a bias in the gates; the temperature;
    `balance`, from N. Shazeer et al., "Outrageously large neural networks", 2017.
    """

    num_shared_experts: int = 2
    num_task_experts: int = 1
    gate_units: tuple[int, ...] = ()
    temperature: float = 1.0
    balance: float = 0.0
    stacked: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            num_shared_experts=count("num_shared_experts", self.num_shared_experts),
            num_task_experts=count("num_task_experts", self.num_task_experts),
            temperature=number("temperature", self.temperature, above=0),
        )
        settle_gates(self)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return gated_levels([stages], x, names, self)
