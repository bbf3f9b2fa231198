"""Robust multi-task learning with excess risks."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import first_value, masked_logsumexp, masked_softmax
from mtl_keras.weightings._base import GradientAggregator, keep_absent


def excess_risks(rows, squares):
    """Returns g_tᵀ H_t⁻¹ g_t with H_t = diag(√squares_t), an estimate of how far a loss can still fall.

    Args:
        rows: Task gradients g. [T, P]
        squares: Sums of the squares of the entries of the gradients so far, the present ones included. [T, P]

    Returns:
        The risks, up to a factor. [T]
    """
    curvature = ops.where(squares > 0, ops.sqrt(squares), 1.0)  # [T, P]
    return ops.sum(rows / curvature * rows, axis=1)


@public
class ExcessMTL(GradientAggregator):
    """Moves weight to the tasks whose loss can still fall most, not to tasks that are only noisy.

    The excess risk E_t of a task is estimated from its gradient and a diagonal curvature:

    S_t ← S_t + g_t²,  E_t = Σ g_t² / √S_t,  w_t ← w_t exp(learning_rate E_t / E_t at first), Σ_t w_t = 1
    d = Σ_t w_t g_t

    Scale: the weights sum to 1, as in the paper (in LibMTL they sum to T). A single task has its plain gradient.
    The weights also act on the tasks' own variables. They start equal, and change from the second batch of a
    task on. An absent task keeps its weight, and the others share the rest. If the first risk is 0, or a later
    one is more than ten times as large, the later one counts as the first. State: T·P floats.

    Args:
        learning_rate: Learning rate of the weights, above 0.
        name: Name of the layer.

    Raises:
        ValueError: If `learning_rate` is not positive.

    Example:

    ```python
    weighting = mtl.weightings.ExcessMTL()
    weighting.num_parameters = 3  # `compile` does this
    weighting.build(2)
    rows = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], "float32")
    weighting(rows, np.ones(2, "float32"), np.ones(2, "float32"))  # [1, 1, 1]
    ```

    Reference:
        Yifei He, Shiji Zhou, Guojun Zhang, Hyokun Yun, Yi Xu, Belinda Zeng, Trishul Chilimbi, Han Zhao.
        Robust Multi-Task Learning with Excess Risks. 2024. The division by the first excess risk, which makes
        the tasks comparable, is from the paper.
    """

    apply_to = "all"
    weighs_own = True

    def __init__(self, *, learning_rate: float = 0.01, name: str | None = None) -> None:
        super().__init__(name=name)
        self.learning_rate = number("learning_rate", learning_rate, above=0)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.squares = self.add_state("squares", (num_tasks, self.num_parameters))
        self.first_risks = self.add_state("first_risks", (num_tasks,))  # 0 until the first gradient
        self.logits = self.add_state("logits", (num_tasks,))
        self.task_weights = self.add_state("task_weights", (num_tasks,))  # of the last batch

    def call(self, rows: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        squares = self.squares + ops.square(rows)  # [T, P]
        risks = excess_risks(rows, squares)  # [T]
        first_risks = first_value(self.first_risks, risks)
        known = ops.logical_and(self.first_risks > 0, first_risks == self.first_risks)
        relative = ops.where(known, risks / ops.where(known, first_risks, 1.0), 0.0)
        logits = self.logits + self.learning_rate * relative
        # The present tasks divide the sum of their old weights among themselves.
        logits = logits + masked_logsumexp(self.logits, present) - masked_logsumexp(logits, present)
        self.logits.assign(keep_absent(logits, self.logits, present))
        self.squares.assign(keep_absent(squares, self.squares, present))
        self.first_risks.assign(keep_absent(first_risks, self.first_risks, present))
        weights = masked_softmax(logits, present)
        self.task_weights.assign(keep_absent(weights, self.task_weights, present))
        return ops.matmul(weights, rows)

    def own_weights(self, weights: Tensor, losses: Tensor) -> Tensor:
        return ops.convert_to_tensor(self.task_weights)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "learning_rate": self.learning_rate}
