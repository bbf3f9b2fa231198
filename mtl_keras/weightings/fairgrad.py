"""FairGrad: an alpha-fair division of the progress between the tasks."""

from typing import Any

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import solve_reciprocal, to_float32
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import preference_of


def fairgrad_weights(gramian, *, alpha=1.0):
    """Returns the weights w [T] with Gw = w^(-1/alpha), and the residual."""
    weights, residual = solve_reciprocal(gramian, 1.0 / alpha)
    return to_float32(weights), to_float32(residual)


@public
class FairGrad(GramianWeighting):
    """Divides the tasks' gains dᵀgᵢ fairly: maximises their alpha-fair utility.

    d = Σ wᵢgᵢ with w > 0 and (Gw)ᵢ = wᵢ^(-1/alpha). `alpha=1` is proportional fairness: Nash-MTL without a limit
    to the length. Larger values tend towards equal gains, smaller ones towards the plain sum. Newton's method
    on the equivalent convex problem finds the solution up to round-off.

    Scale: the solution itself, as in the paper. For gradients c times as long, the weights are c^(-2·alpha / (1 +
    alpha)) times as large. A zero gradient has weight 0. If a combination of gradients with positive weights is
    zero, no solution exists; the eigenvalues of the cosines are then raised to 1e-9. If the residual is above the
    bound, the weights are equal. One task has weight ‖g‖^(-2·alpha / (1 + alpha)).

    Args:
        alpha: Fairness, above 0.

    Raises:
        ValueError: If `alpha` is not positive.

    Example:

    ```python
    fairgrad = mtl.weightings.FairGrad(alpha=2.0)
    fairgrad.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(fairgrad(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.4714, 0.3195]
    ```

    Reference:
        Hao Ban and Kaiyi Ji, "Fair Resource Allocation in Multi-Task Learning", 2024.
    """

    residual_bound = 1e-4

    def __init__(self, *, alpha: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        self.alpha = number("alpha", alpha, above=0, hint='Use weighting="equal" for the plain sum.')

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        weights, residual = fairgrad_weights(gramian, alpha=self.alpha)
        return self.certified(weights, residual, preference_of(None, present))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}
