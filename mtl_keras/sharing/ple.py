"""PLE: shared experts and experts of each task, in levels."""

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
class PLE(Sharing):
    """Progressive layered extraction: several levels of shared experts and task experts, with gates in between.

    There is one stream per task, x_t, and a shared stream, x_s. All start as the input. Each level computes
    x_t' = Σ_e g_te(x_t)·e over the shared experts e(x_s) and the task's own experts e(x_t), and
    x_s' = Σ_e g_se(x_s)·e over all experts, with g(x) = softmax((W·p(x) + b) / temperature). Every level has its own
    gates, which read the streams of the level. The features of a task are its stream after the last level. With one
    level this is `cgc`.

    The stages of the tower are divided into `num_levels` runs of equal length; if that is not possible, the first runs
    are one stage longer. An expert of level l is a copy of run l. The gates read p(x), a stream as a vector: images
    become means over a grid of at most 4x4 cells, sequences the mean over their positions, and several inputs are
    concatenated.

    Args:
        num_levels: Number of levels, at most the number of stages.
        num_shared_experts: Number of shared experts per level, at least 1.
        num_task_experts: Number of experts per task and level, at least 1.
        gate_units: Widths of hidden ReLU layers of each gate.
        temperature: Softmax temperature, above 0. Lower values make each example use fewer experts.
        balance: Weight of a load-balancing loss, at least 0: for each gate, the squared coefficient of variation
            between the experts of its weights, summed over the batch.
        stacked: Whether to compute the experts of a task, and the shared ones, as one batched operation, if the stages
            of the tower offer it. False: one by one.

    Raises:
        ValueError: If an argument is out of range; when the model is built, if the tower has fewer stages than
            levels, or the gates cannot read the input.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    tower = mtl.towers.MLP((64, 32))  # an expert of level 1 has 64 units, one of level 2 has 32
    model = mtl.build_model((8, 8), tasks, tower=tower, sharing=mtl.sharing.PLE(num_levels=2))
    model.get_layer("shared_level1_gate").output.shape  # (None, 4): 2 shared experts, and 1 of each task
    ```

    Reference: H. Tang, J. Liu, M. Zhao, X. Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning
    Model for Personalized Recommendations", RecSys 2020. Departures: a bias in the gates; the temperature; `balance`,
    from N. Shazeer et al., "Outrageously large neural networks", 2017.
    """

    num_levels: int = 2
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
            num_levels=count("num_levels", self.num_levels),
            num_shared_experts=count("num_shared_experts", self.num_shared_experts),
            num_task_experts=count("num_task_experts", self.num_task_experts),
            temperature=number("temperature", self.temperature, above=0),
        )
        settle_gates(self)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return gated_levels(_runs(stages, self.num_levels), x, names, self)


def _runs(stages, num_levels):
    """Returns the stages in order as a list of `num_levels` dicts."""
    names = list(stages)
    if num_levels > len(names):
        raise ValueError(
            f"`num_levels` must be at most the number of stages that the tasks share, {len(names)}: {names}. "
            f"Received: num_levels={num_levels}. Use fewer levels, or a tower with more stages."
        )
    length, longer = divmod(len(names), num_levels)
    runs, start = [], 0
    for level in range(num_levels):
        end = start + length + (level < longer)
        runs.append({name: stages[name] for name in names[start:end]})
        start = end
    return runs
