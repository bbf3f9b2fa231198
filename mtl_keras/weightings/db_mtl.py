"""Dual balancing of loss scales and gradient lengths."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import row_norms
from mtl_keras.weightings._base import GradientAggregator, keep_absent


def equal_length_sum(rows, present):
    """Returns the sum of the present rows after stretching each to the length of the longest. [P]"""
    norms = row_norms(rows) * present  # [T]
    shrink = present / ops.where(norms > 0, norms, 1.0)
    return ops.max(norms) * ops.matmul(shrink, rows)  # unit rows first, because the factor itself may overflow


@public
class DBMTL(GradientAggregator):
    """Adds up running means of the gradients of the log-losses, all stretched to the length of the longest.

    The logarithm balances the scales of the losses. The stretching balances the lengths of the gradients. At
    step k:

    y_t ← beta_k y_t + (1 - beta_k) g_t / (L_t + eps),  beta_k = beta / k^beta_sigma
    d = Σ_t (max_s ‖y_s‖ / ‖y_t‖) y_t

    Scale: the sum of T rows, each as long as the longest averaged gradient of a log-loss. y starts at 0, as in
    the paper, so the first directions are short (a single task starts with (1 - beta) / L times its gradient).
    The tasks' own variables take the gradients of the log-losses. Losses must not be negative. State: T·P
    floats.

    Args:
        beta: Share of the old average that is kept at the first step, in [0, 1).
        beta_sigma: How fast that share falls, at least 0.
        eps: Added to the losses before the logarithm, as in the authors' program, above 0.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is outside its range.

    Example:

    ```python
    weighting = mtl.weightings.DBMTL(beta=0.0)
    weighting.num_parameters = 2  # `compile` does this
    weighting.build(2)
    rows = np.array([[3.0, 4.0], [1.0, 0.0]], "float32")
    weighting(rows, np.ones(2, "float32"), np.ones(2, "float32"))  # [8, 4]
    ```

    Reference:
        Baijiong Lin, Weisen Jiang, Feiyang Ye, Yu Zhang, Pengguang Chen, Ying-Cong Chen, Shu Liu,
        James T. Kwok. Dual-Balancing for Multi-Task Learning. 2023.
    """

    apply_to = "all"
    weighs_own = True
    lowest_losses = 0.0

    def __init__(
        self, *, beta: float = 0.9, beta_sigma: float = 0.0, eps: float = 1e-8, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.beta = number("beta", beta, at_least=0, below=1)
        self.beta_sigma = number("beta_sigma", beta_sigma, at_least=0)
        self.eps = number("eps", eps, above=0)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.tracked = self.add_state("tracked", (num_tasks, self.num_parameters))
        self.steps = self.add_state("steps", (num_tasks,))

    def call(self, rows: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        self.steps.assign_add(present)
        beta = self.beta / ops.power(ops.maximum(self.steps, 1.0), self.beta_sigma)  # [T]
        log_rows = rows * self.own_weights(None, losses)[:, None]  # of log(L_t + eps)  [T, P]
        tracked = log_rows + beta[:, None] * (self.tracked - log_rows)
        self.tracked.assign(keep_absent(tracked, self.tracked, present))
        return equal_length_sum(tracked, present)

    def own_weights(self, weights: Tensor, losses: Tensor) -> Tensor:
        return 1.0 / (ops.maximum(losses, 0.0) + self.eps)

    def get_config(self) -> dict[str, Any]:
        config = {"beta": self.beta, "beta_sigma": self.beta_sigma, "eps": self.eps}
        return {**super().get_config(), **config}
