"""The positive solution of G w = w^-s, the fixed point behind fair divisions."""

from keras import ops

from mtl_keras._types import Tensor
from mtl_keras.linalg.gramian import unit_gramian

_RIDGE = 1e-6  # above the round-off in the eigenvalues of cosines of float32 rows
_STEPS = 60
_EXACT = 1e-10


def solve_reciprocal(gramian: Tensor, exponent: float) -> tuple[Tensor, Tensor]:
    """Solves G w = w^-s for w > 0 by Newton's method with a line search.

    The solution is the minimum of wᵀGw / 2 + Σ ψ(wᵢ) with ψ' = -w^-s, which is strictly convex. In the
    variables x = w·norm, with the cosines C, it reads C x = k x^-s with k = norm^(s - 1). Every step tries
    twelve lengths at once and takes the best. It ends when the equations hold to 1e-10, or after 60 steps. C has
    a ridge of 1e-6 against round-off. A second solution, with a ridge around the first one, removes its effect.

    Args:
        gramian: G = J·Jᵀ. [T, T]
        exponent: s > 0, a number.

    Returns:
        The solution [T] in float64, 0 for zero rows; the residual max |(Cx)ᵢ xᵢ^s / kᵢ - 1|, a scalar. If
        no solution exists (some combination of rows with positive coefficients is zero), it is the solution
        with the ridge.
    """
    cosines, norms, nonzero = unit_gramian(gramian)
    used = ops.cast(nonzero, "float64")
    identity = ops.eye(gramian.shape[0], dtype="float64")
    matrix = cosines + (1.0 - used)[:, None] * identity  # zero rows become x = 1, apart from the others
    matrix = matrix + _RIDGE * identity
    longest = ops.max(norms)
    relative = ops.where(nonzero, norms / ops.where(longest > 0, longest, 1.0), 1.0)  # [T], in (0, 1]
    k = relative ** (exponent - 1.0)
    lengths = 0.5 ** ops.arange(12, dtype="float64")

    def objective(x, center):  # [..., T] -> [...]
        powers = -ops.log(x) if exponent == 1.0 else x ** (1.0 - exponent) / (exponent - 1.0)
        return ops.sum(x * (0.5 * ops.matmul(x, matrix) - _RIDGE * center) + k * powers, axis=-1)

    def equations(x, center):
        return ops.max(ops.abs((ops.matmul(matrix, x) - _RIDGE * center) * x**exponent / k - 1.0))

    def keep_going(x, residual, center):
        return residual > _EXACT

    def newton(x, residual, center):
        slope = ops.matmul(matrix, x) - _RIDGE * center - k * x**-exponent
        curvature = matrix + identity * (exponent * k * x ** (-exponent - 1.0))
        step = ops.solve(curvature, -slope[:, None])[:, 0]
        longest_step = ops.minimum(1.0, 0.99 / ops.maximum(ops.max(-step / x), 1e-9))
        tried = x + longest_step * lengths[:, None] * step  # [12, T]
        best = ops.take(tried, ops.argmin(objective(tried, center)), axis=0)
        return best, equations(best, center), center

    x = k ** (1.0 / (1.0 + exponent))  # exact for orthogonal rows

    def solve(_, state):
        x, center, residual = state
        x, residual, _ = ops.while_loop(
            keep_going, newton, (x, equations(x, center), center), maximum_iterations=_STEPS
        )
        return x, x, residual

    state = (x, ops.zeros_like(x), ops.max(x))
    x, _, residual = ops.fori_loop(0, 2, solve, state)
    unit = ops.where(longest > 0, longest, 1.0) ** (-2.0 / (1.0 + exponent))  # G was divided by longest²
    return used * x / relative * unit, residual
