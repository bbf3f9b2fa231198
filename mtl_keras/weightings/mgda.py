"""MGDA: the shortest vector in the convex hull of the gradients."""

from typing import Any

from keras import ops

from mtl_keras._arguments import choice
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import min_norm_point, to_float32
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import preference_of

_NORMALIZERS = (None, "l2", "loss", "loss+")


def mgda_weights(gramian, losses, present, *, normalize=None):
    """Returns the weights [T] of the min-norm point, and its residual."""
    norms = ops.sqrt(ops.diagonal(gramian))  # [T]
    sizes = ops.maximum(ops.abs(losses), 1e-30)
    divisors = {None: ops.ones_like(norms), "l2": norms, "loss": sizes, "loss+": sizes * norms}[normalize]
    divisors = ops.cast(ops.where(ops.logical_and(divisors > 0, present > 0), divisors, 1.0), "float64")
    divisors = divisors / ops.max(divisors)
    scaled = ops.cast(gramian, "float64") / divisors[:, None] / divisors[None, :]  # [T, T]
    weights, residual = min_norm_point(scaled, present)
    return to_float32(weights), to_float32(residual)


@public
class MGDA(GramianWeighting):
    """Takes the shortest convex combination of the gradients, which is a descent direction for every task.

    Minimises wᵀGw over w >= 0 with sum 1. Then (Gw)ᵢ >= wᵀGw for all i, so no loss goes up to first order.
    The shortest gradient gets the largest weight, so a task that has nearly converged slows down all others.
    `normalize` counters this. The solver is exact (block principal pivoting on the simplex).

    Scale: the weights sum to 1, as in the paper. They multiply the gradients as they are, also with `normalize`.
    Equal gradients share the weight. A present task with gradient zero takes all the weight, and the direction
    is zero, as in theory. One task has weight 1. If the residual is above the bound, the weights are equal.

    Args:
        normalize: What to divide a gradient by before the weights are computed: `None` for nothing, `"l2"` for
            its norm, `"loss"` for its loss, `"loss+"` for both. With the last two, losses must not be negative.

    Raises:
        ValueError: If `normalize` is unknown.

    Example:

    ```python
    mgda = mtl.weightings.MGDA()
    mgda.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(mgda(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.6, 0.4]
    ```

    Reference:
        Jean-Antoine Désidéri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization",
        2012. Ozan Sener and Vladlen Koltun, "Multi-Task Learning as Multi-Objective Optimization", 2018
        (`normalize`).
    """

    residual_bound = 1e-4

    def __init__(self, *, normalize: str | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.normalize = choice(
            "normalize", normalize, _NORMALIZERS, hint="Use normalize=None for the gradients as they are."
        )
        self.lowest_losses = 0.0 if normalize in ("loss", "loss+") else None

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        weights, residual = mgda_weights(gramian, losses, present, normalize=self.normalize)
        return self.certified(weights, residual, preference_of(None, present))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "normalize": self.normalize}
