"""Smooth Tchebycheff scalarization."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import masked_logsumexp
from mtl_keras.weightings._base import LossScalarizer
from mtl_keras.weightings._per_task import check_one_per_task, checked_preference, numbers_per_task, preference_of


def smooth_tchebycheff(losses, present, shares, reference, *, mu):
    """Returns mu log Σ_t exp(w_t (L_t - z_t) / mu) over the present tasks, w the shares.

    Args:
        losses: The losses. [T]
        present: 1 for a task with labels in the batch, else 0. [T]
        shares: The preference, which sums to 1 over the present tasks. [T]
        reference: The ideal point z. [T]
        mu: Width of the smoothing, in the unit of the losses.

    Returns:
        The value, 0 if all tasks are absent. Scalar.
    """
    weighted = shares * (losses - reference)  # [T]
    return ops.where(ops.any(present > 0), mu * masked_logsumexp(weighted / mu, present), 0.0)


@public
class STCH(LossScalarizer):
    """Minimizes a smooth maximum of the weighted losses.

    objective = mu log Σ_t exp(w_t (L_t - z_t) / mu),  Σ_t w_t = 1 over the present tasks

    A small mu approximates the largest weighted loss (`Tchebycheff`), a large mu their sum.

    Scale: the effective weight of a task is w_t softmax(w (L - z) / mu)_t, at most w_t. A single task has
    weight 1. Losses may be any real numbers in comparable units; otherwise set z or `preference`.

    Args:
        mu: Width of the smoothing, in the unit of the losses, above 0.
        preference: One non-negative number per task; equal by default. Normalised to sum 1 over the present
            tasks.
        reference: The ideal point z: for each task a loss that cannot be reached; 0 by default.
        name: Name of the layer.

    Raises:
        ValueError: If `mu` is not positive, or `preference` cannot be normalised; at `build`, if `preference` or
            `reference` does not have one number per task.

    Example:

    ```python
    weighting = mtl.weightings.STCH(mu=0.1)
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # 1.0001, near 2.0 / 2
    ```

    Reference:
        Xi Lin, Xiaoyuan Zhang, Zhiyuan Yang, Fei Liu, Zhenkun Wang, Qingfu Zhang. Smooth Tchebycheff
        Scalarization for Multi-Objective Optimization. 2024. The experiments of the paper use the logarithm of
        losses divided by their mean in warm-up epochs; here the losses are used as they are.
    """

    def __init__(
        self,
        *,
        mu: float = 1.0,
        preference: Sequence[float] | None = None,
        reference: Sequence[float] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.mu = number("mu", mu, above=0)
        self.preference = checked_preference(preference)
        self.reference = numbers_per_task("reference", reference)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        check_one_per_task("preference", self.preference, num_tasks)
        check_one_per_task("reference", self.reference, num_tasks)

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        shares = preference_of(self.preference, present)  # [T]
        reference = ops.convert_to_tensor(self.reference or (0.0,) * self.num_tasks, "float32")
        return smooth_tchebycheff(losses, present, shares, reference, mu=self.mu)

    def get_config(self) -> dict[str, Any]:
        config = {"mu": self.mu, "preference": self.preference, "reference": self.reference}
        return {**super().get_config(), **config}
