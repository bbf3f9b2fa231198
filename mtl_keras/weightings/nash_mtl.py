"""Nash-MTL: the bargaining solution of the tasks over the direction."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import solve_reciprocal, to_float32
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import preference_of


def nash_mtl_weights(gramian, *, max_norm=1.0):
    """Returns the weights w [T] with Gw = 1/w, cut to ‖Jᵀw‖ <= max_norm, and the residual."""
    weights, residual = solve_reciprocal(gramian, 1.0)
    gramian = ops.cast(gramian, "float64")
    if max_norm is not None:
        square = ops.sum(weights * ops.matmul(gramian, weights))
        norm = ops.sqrt(ops.maximum(square, 1e-12 * ops.sum(weights**2 * ops.diagonal(gramian))))
        weights = weights * ops.minimum(1.0, max_norm / ops.where(norm > 0, norm, 1.0))
    return to_float32(weights), to_float32(residual)


@public
class NashMTL(GramianWeighting):
    """Takes the Nash bargaining solution: maximises the product of the tasks' gains dᵀgᵢ.

    d = Σ wᵢgᵢ with w > 0 and Gw = 1/w elementwise. Newton's method on the equivalent convex problem,
    min wᵀGw / 2 - Σ log wᵢ, finds it up to round-off. (Other implementations linearise it a few times, from the
    solution of the last step.) No state is kept between steps.

    Scale: as in the paper, where a solution has ‖d‖ = √T, shortened to `max_norm`. The solution does not
    depend on the scale of any task's loss. A zero gradient has weight 0. If a combination of gradients with
    positive weights is zero, no solution exists: 1e-6 is then added to the squared lengths, which gives large
    weights before the limit, and a direction near zero. If the residual is above the bound, the weights are
    equal. One task has weight `max_norm` / ‖g‖.

    Args:
        max_norm: Largest length of d, above 0; `None` for no limit.

    Raises:
        ValueError: If `max_norm` is not positive.

    Example:

    ```python
    nash = mtl.weightings.NashMTL()
    nash.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(nash(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.4182, 0.2879]
    ```

    Reference:
        Aviv Navon, Aviv Shamsian, Idan Achituve, Haggai Maron, Kenji Kawaguchi, Gal Chechik and Ethan Fetaya,
        "Multi-Task Learning as a Bargaining Game", 2022.
    """

    residual_bound = 1e-4

    def __init__(self, *, max_norm: float | None = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        if max_norm is not None:
            max_norm = number("max_norm", max_norm, above=0, hint="Use max_norm=None for no limit.")
        self.max_norm = max_norm

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        weights, residual = nash_mtl_weights(gramian, max_norm=self.max_norm)
        return self.certified(weights, residual, preference_of(None, present))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_norm": self.max_norm}
