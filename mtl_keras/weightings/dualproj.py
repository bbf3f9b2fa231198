"""DualProj: projects the mean gradient onto the directions without conflict."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import dual_cone_coefficients, to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import check_one_per_task, checked_preference, preference_of


def dualproj_weights(gramian, shares):
    """Returns the weights [T] of the projection of Σ sharesₜ·gₜ onto the dual cone, and the residual."""
    cosines, norms, nonzero = unit_gramian(gramian)
    lengths = ops.cast(shares, "float64") * norms  # [T]
    coefficients, residual = dual_cone_coefficients(cosines, lengths[None, :])
    weights = coefficients[0] / ops.where(nonzero, norms, 1.0)
    return ops.where(nonzero, to_float32(weights), shares), to_float32(residual)


@public
class DualProj(GramianWeighting):
    """Follows the mean gradient, or the nearest direction to it that conflicts with no task.

    d = Jᵀv, where v minimises vᵀGv subject to v >= p. This projects the (weighted) mean gradient onto the dual
    cone {x : gᵢᵀx >= 0 for all i}. Block principal pivoting solves it exactly, without the regularisation that
    other implementations need.

    Scale: the preference p sums to 1; without conflict d is the (weighted) mean of the gradients. A zero
    gradient has weight p. Opposed gradients cancel: d is zero. One task has weight 1. If the residual is
    above the bound, the weights are p.

    Args:
        preference: One non-negative number per task; equal by default. Normalised to sum 1 over the present
            tasks.

    Raises:
        ValueError: If `preference` cannot be normalised.

    Example:

    ```python
    dualproj = mtl.weightings.DualProj()
    dualproj.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(dualproj(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.6111, 0.5]
    ```

    Reference:
        David Lopez-Paz and Marc'Aurelio Ranzato, "Gradient Episodic Memory for Continual Learning", 2017.
    """

    residual_bound = 1e-4

    def __init__(self, *, preference: Sequence[float] | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.preference = checked_preference(preference)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        check_one_per_task("preference", self.preference, num_tasks)

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        shares = preference_of(self.preference, present)
        weights, residual = dualproj_weights(gramian, shares)
        return self.certified(weights, residual, shares)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "preference": self.preference}
