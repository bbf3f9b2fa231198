"""UPGrad: projects every gradient onto the directions without conflict, then averages them."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import dual_cone_coefficients, to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import check_one_per_task, checked_preference, preference_of


def upgrad_weights(gramian, shares):
    """Returns the weights [T] of Σ sharesₜ·(projection of gₜ onto the dual cone), and the residual."""
    cosines, norms, nonzero = unit_gramian(gramian)
    identity = ops.eye(gramian.shape[0], dtype="float64")
    coefficients, residual = dual_cone_coefficients(cosines, identity)  # row t: of the projection of gₜ/‖gₜ‖
    lengths = ops.cast(shares, "float64") * norms  # [T]
    weights = ops.matmul(lengths, coefficients) / ops.where(nonzero, norms, 1.0)
    return ops.where(nonzero, to_float32(weights), shares), to_float32(residual)


@public
class UPGrad(GramianWeighting):
    """Projects every gradient onto the directions that conflict with no task, and averages the projections.

    d = Σ pₜ·π(gₜ), where p is the preference and π projects onto the dual cone {x : gᵢᵀx >= 0 for all i}. No
    loss goes up to first order, and d grows with the length of each gradient. In coefficients, π(Jᵀu) = Jᵀv,
    where v minimises vᵀGv subject to v >= u. Block principal pivoting solves these T quadratic programs exactly
    and all at once, without the regularisation that other implementations need.

    Scale: p sums to 1, as in the paper; without conflict d is the (weighted) mean of the gradients. A zero
    gradient has weight p. Opposed gradients cancel: d is zero. One task has weight 1. If the residual is
    above the bound, the weights are p.

    Args:
        preference: One non-negative number per task; equal by default. Normalised to sum 1 over the present
            tasks.

    Raises:
        ValueError: If `preference` cannot be normalised.

    Example:

    ```python
    upgrad = mtl.weightings.UPGrad()
    upgrad.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(upgrad(gramian, losses=np.ones(2), present=np.ones(2)))  # [1.1111, 0.7895]
    ```

    Reference:
        Pierre Quinton and Valérian Rey, "Jacobian Descent for Multi-Objective Optimization", 2024.
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
        weights, residual = upgrad_weights(gramian, shares)
        return self.certified(weights, residual, shares)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "preference": self.preference}
