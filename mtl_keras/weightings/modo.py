"""MoDo: one projected step per batch on the min-norm weights, with two independent gradients."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import project_simplex, to_float32
from mtl_keras.weightings._base import HalvesWeighting, keep_absent
from mtl_keras.weightings._per_task import preference_of


def modo_weights(cross, weights, present, *, learning_rate=0.1, rho=0.1):
    """Returns the weights [T] after one step on wᵀG'w / 2 + rho·‖w‖² / 2 over the simplex."""
    weights = ops.cast(weights, "float64")
    slopes = ops.matmul(ops.cast(cross, "float64"), weights) + rho * weights
    return to_float32(project_simplex(weights - learning_rate * slopes, present))


@public
class MoDo(HalvesWeighting):
    """Moves the weights by one projected gradient step per batch towards the shortest direction.

    w <- projection on the simplex of w - learning_rate·(G'w + rho·w), with G' = J₁J₂ᵀ from two halves of the
    batch. The halves are independent, so the step is unbiased; steps on G = JJᵀ are biased.

    Scale: the weights sum to 1, as in the paper, and start equal. `learning_rate` depends on the scale: it
    multiplies squared gradients, and very long gradients put all the weight on one task per batch. If tasks are
    absent, the weights of the others sum to 1, and the sum of their states does not change. Departures: two
    halves of one batch instead of two batches, and the direction uses the gradients of the whole batch instead
    of a third batch. One task has weight 1.

    Args:
        learning_rate: Step size of the weights, above 0; gamma in the paper.
        rho: Pull towards equal weights, at least 0.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    modo = mtl.weightings.MoDo()
    modo.build(2)
    cross = np.array([[1.0, 0.0], [0.0, 2.0]])
    print(modo(cross, losses=np.ones(2), present=np.ones(2)))  # [0.525, 0.475]
    ```

    Reference:
        Lisha Chen, Heshan Fernando, Yiming Ying and Tianyi Chen, "Three-Way Trade-Off in Multi-Objective
        Learning: Optimization, Generalization and Conflict-Avoidance", 2023.
    """

    def __init__(self, *, learning_rate: float = 0.1, rho: float = 0.1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.learning_rate = number(
            "learning_rate", learning_rate, above=0, hint='Use weighting="equal" for constant weights.'
        )
        self.rho = number("rho", rho, at_least=0, hint="Use rho=0 for no pull.")

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        equal = keras.initializers.Constant(1.0 / num_tasks)
        self.task_weights = self.add_state("task_weights", (num_tasks,), equal)

    def call(self, cross: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        state = ops.convert_to_tensor(self.task_weights)
        start = preference_of(state, present)
        weights = modo_weights(cross, start, present, learning_rate=self.learning_rate, rho=self.rho)
        share = ops.sum(state * present)
        self.task_weights.assign(keep_absent(weights * share, state, present))
        return weights

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "learning_rate": self.learning_rate, "rho": self.rho}
