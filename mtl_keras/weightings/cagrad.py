"""CAGrad: near the mean gradient, the direction that helps the worst-off task most."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import RIDGE, min_norm_point, ridge_qp, to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import preference_of

_STEPS = 30
_VANISHED = 1e-6  # squared norms below this, relative to the shortest gradient's, count as 0
_REFINEMENTS = 2  # number of refinements that remove the effect of the ridge


def cagrad_weights(gramian, present, *, c=0.5):
    """Returns the weights [T] of the d with ‖d - g₀‖ <= c‖g₀‖ and the greatest min dᵀgᵢ, and the residual.

    For a level λ of dᵀgᵢ, the nearest direction to g₀ that reaches it is g₀ + Jᵀz, z from a quadratic program
    over z >= 0. Its distance to g₀ is convex in λ, so Newton's method finds the λ with distance c‖g₀‖.
    """
    shares = ops.cast(preference_of(None, present), "float64")
    cosines, norms, nonzero = unit_gramian(gramian)
    used = ops.cast(nonzero, "float64")
    mean = shares * norms / ops.where(ops.max(norms) > 0, ops.max(norms), 1.0)  # of unit rows [T]
    mean_norm = ops.sqrt(ops.maximum(ops.sum(mean * ops.matmul(cosines, mean)), 0.0))
    still = mean_norm <= 1e-7 * ops.max(mean)  # g₀ is zero up to round-off
    toward = ops.matmul(cosines, mean / ops.where(still, 1.0, mean_norm))  # cosine of g₀ and each row [T]
    shortest = ops.min(ops.where(nonzero, norms, ops.max(norms)))
    a = used * shortest / ops.where(nonzero, norms, 1.0)  # [T], in (0, 1]

    # No feasible d has a level above (1 + c) times the shortest convex combination. If that is 0 up to round-off, no
    # level is above 0.
    hull, _ = min_norm_point(gramian, nonzero)
    hull = hull * norms / ops.where(shortest > 0, shortest, 1.0)  # of unit rows [T]
    square = ops.sum(hull * ops.matmul(cosines, hull))
    top = (1.0 + c) * ops.sqrt(ops.where(square > _VANISHED, square, 0.0))

    def keep_going(step, level, gap, z, free, center):
        return ops.abs(gap) > 1e-8

    def newton(step, level, gap, z, free, center):
        z, free = ridge_qp(cosines, (toward - level * a)[None, :], center, free)
        square = ops.sum(z * ops.matmul(z, cosines)) + RIDGE * ops.sum((z - center) ** 2)
        distance = ops.sqrt(ops.maximum(square, 0.0))
        slope = ops.sum(a * z[0]) / ops.where(distance > 0, distance, 1.0)
        gap = distance - c
        settled = ops.logical_or(slope <= 0, ops.logical_and(gap < 0, level >= top))
        moved = ops.minimum(level - gap / ops.where(slope > 0, slope, 1.0), top)
        return (
            step + 1,
            ops.where(settled, level, moved),
            ops.where(settled, 0.0, gap),
            z,
            free,
            center,
        )

    def refine(_, state):
        level, _, z, free = state
        start = (0, level, ops.ones_like(level), z, free, z)
        return ops.while_loop(keep_going, newton, start, maximum_iterations=_STEPS)[1:5]

    z = ops.zeros((1, gramian.shape[0]), dtype="float64")
    level, gap, z, _ = ops.fori_loop(0, 1 + _REFINEMENTS, refine, (top, top, z, z > 0))
    slack = ops.matmul(cosines, z[0]) + toward - level * a
    residual = ops.max(ops.abs(used * ops.minimum(z[0], slack)))
    inverse = used / ops.where(nonzero, norms, 1.0)
    added = ops.where(still, 0.0, z[0] * inverse * (mean_norm * ops.max(norms)))
    return to_float32(shares + added), to_float32(ops.where(still, 0.0, ops.abs(gap) + residual))


@public
class CAGrad(GramianWeighting):
    """Stays near the mean gradient, and within that distance helps the task that gains least.

    Maximises min dᵀgᵢ over ‖d - g₀‖ <= c‖g₀‖, where g₀ is the mean gradient. The solution is
    d = g₀ + c‖g₀‖ / ‖g_w‖ · g_w, where w minimises g_wᵀg₀ + c‖g₀‖‖g_w‖ over the simplex. The solver works on d,
    which stays well-posed when g_w goes to zero.

    Scale: d as above, as in the paper (other libraries divide by 1 + c² or multiply by T). With c = 0, d is the
    mean gradient. A zero gradient takes no part in the minimum. If a convex combination of the gradients is
    shorter than a thousandth of the shortest gradient, no direction is assumed to help all tasks: the weights
    are then those of the direction without conflict that is nearest to g₀, if it is near enough. The weights
    are equal if the mean gradient is zero, or the residual is above the bound. One task has weight 1 + c.

    Args:
        c: How far d may be from g₀, relative to the length of g₀, at least 0. With c >= 1, d conflicts with no
            task.

    Raises:
        ValueError: If `c` is negative.

    Example:

    ```python
    cagrad = mtl.weightings.CAGrad()
    cagrad.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(cagrad(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.7041, 0.5]
    ```

    Reference:
        Bo Liu, Xingchao Liu, Xiaojie Jin, Peter Stone and Qiang Liu, "Conflict-Averse Gradient Descent for
        Multi-task Learning", 2021.
    """

    residual_bound = 1e-4

    def __init__(self, *, c: float = 0.5, name: str | None = None) -> None:
        super().__init__(name=name)
        self.c = number("c", c, at_least=0, hint="Use c=0 for the mean gradient.")

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        weights, residual = cagrad_weights(gramian, present, c=self.c)
        return self.certified(weights, residual, preference_of(None, present))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "c": self.c}
