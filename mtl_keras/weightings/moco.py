"""Multi-objective gradient correction."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.simplex import project_simplex
from mtl_keras.weightings._base import GradientAggregator, keep_absent
from mtl_keras.weightings._per_task import preference_of

_LARGEST_STEP = 1e25  # of the weights, to stay finite


def moco_weights(weights, tracked, present, *, step, rho):
    """Returns the weights after one projected step on ½ ‖Σ_t λ_t y_t‖² + ½ rho ‖λ‖².

    Args:
        weights: Weights λ before the step. [T]
        tracked: Tracked gradients y. [T, P]
        present: 1 for a task with labels in the batch, else 0. [T]
        step: Step size.
        rho: Strength of the penalty.

    Returns:
        The new weights, non-negative and with sum 1 over the present tasks. [T]
    """
    size = ops.max(ops.abs(tracked) * present[:, None])
    size = ops.where(size > 0, size, 1.0)
    unit = tracked / size * present[:, None]  # entries up to 1, so that no product overflows
    slope = ops.matmul(unit, ops.matmul(weights, unit))  # [T]
    move = ops.minimum(step * size * size, _LARGEST_STEP) * slope + step * rho * weights
    return project_simplex(weights - move, present)


@public
class MoCo(GradientAggregator):
    """Follows the common descent direction of gradients that are averaged over the steps.

    The average y_t removes the noise of the batch from the gradient g_t, and so the bias from the weights. At
    step k:

    y_t ← y_t - beta_k (y_t - g_t),  λ ← projection on the simplex of λ - gamma_k (Y Yᵀ + rho I) λ
    d = Σ_t λ_t y_t,  beta_k = beta / k^beta_sigma,  gamma_k = gamma / k^gamma_sigma

    Scale: λ sums to 1 over the present tasks, so d is as long as a mean of the gradients. y starts at 0, so the
    first directions are short (a single task starts with beta times its gradient). gamma is a step size on
    squared gradients: choose it by their length. State: T·P floats.

    Args:
        beta: Step size of the averages at the first step, in (0, 1].
        beta_sigma: Decay of beta, at least 0.
        gamma: Step size of the weights at the first step, above 0.
        gamma_sigma: Decay of gamma, at least 0.
        rho: Strength of the pull towards equal weights, at least 0.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is outside its range.

    Example:

    ```python
    weighting = mtl.weightings.MoCo()
    weighting.num_parameters = 3  # `compile` does this
    weighting.build(2)
    rows = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], "float32")
    weighting(rows, np.ones(2, "float32"), np.ones(2, "float32"))  # [-0.125, 0.5, 0.5]
    ```

    Reference:
        Heshan Fernando, Han Shen, Miao Liu, Subhajit Chaudhury, Keerthiram Murugesan, Tianyi Chen. Mitigating
        Gradient Bias in Multi-objective Learning: A Provably Convergent Approach. 2023. The direction uses y and
        λ after their update, as in other implementations. Those use a softmax instead of the projection, and
        rescale the gradients to the length of the loss; here both are as in the paper.
    """

    def __init__(
        self,
        *,
        beta: float = 0.5,
        beta_sigma: float = 0.5,
        gamma: float = 0.1,
        gamma_sigma: float = 0.5,
        rho: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.beta = number("beta", beta, above=0, at_most=1)
        self.beta_sigma = number("beta_sigma", beta_sigma, at_least=0)
        self.gamma = number("gamma", gamma, above=0)
        self.gamma_sigma = number("gamma_sigma", gamma_sigma, at_least=0)
        self.rho = number("rho", rho, at_least=0)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.tracked = self.add_state("tracked", (num_tasks, self.num_parameters))
        self.multipliers = self.add_state("multipliers", (num_tasks,), initializer="ones")
        self.task_steps = self.add_state("task_steps", (num_tasks,))
        self.steps = self.add_state("steps", ())
        self.multipliers.assign(self.multipliers / num_tasks)

    def call(self, rows: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        self.steps.assign_add(1.0)
        self.task_steps.assign_add(present)
        beta = self.beta / ops.power(ops.maximum(self.task_steps, 1.0), self.beta_sigma)  # [T]
        tracked = self.tracked + beta[:, None] * (rows - self.tracked)  # [T, P]
        step = self.gamma / ops.power(self.steps, self.gamma_sigma)
        # The present tasks divide the sum of their old weights among themselves, so that all weights still sum to 1.
        weights = preference_of(self.multipliers, present)
        weights = moco_weights(weights, tracked, present, step=step, rho=self.rho)  # [T]
        share = ops.sum(self.multipliers * present)
        self.multipliers.assign(keep_absent(share * weights, self.multipliers, present))
        self.tracked.assign(keep_absent(tracked, self.tracked, present))
        return ops.matmul(weights, tracked)

    def get_config(self) -> dict[str, Any]:
        config = {"beta": self.beta, "beta_sigma": self.beta_sigma, "gamma": self.gamma}
        return {**super().get_config(), **config, "gamma_sigma": self.gamma_sigma, "rho": self.rho}
