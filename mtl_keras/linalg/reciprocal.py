"""The positive solution of G w = w^-s, the fixed point behind fair divisions."""

from keras import ops

from mtl_keras.linalg.gramian import unit_gramian
from mtl_keras.linalg.psd import floor_eigenvalues

_FLOOR = 1e-9  # of the eigenvalues of the cosines
_STEPS = 60
_EXACT = 1e-10


def solve_reciprocal(gramian, exponent):
    """Solves G w = w^-s for w > 0 by Newton's method with a line search.

    The solution is the minimum of wᵀGw / 2 + Σ ψ(wᵢ) with ψ' = -w^-s, which is strictly convex. In the
    variables x = w·norm, with the cosines C, it reads C x = k x^-s with k = norm^(s - 1). Every step tries
    twelve lengths at once and takes the best. Ends when the equations hold to 1e-10; at most 60 steps.

    Args:
        gramian: G = J·Jᵀ. [T, T]
        exponent: s > 0, a number.

    Returns:
        The solution [T] in float64, 0 for zero rows; the residual max |(Cx)ᵢ xᵢ^s / kᵢ - 1|, a scalar. Where
        no solution exists (some combination of rows with positive coefficients is zero) it is the solution
        for eigenvalues of C raised to 1e-9.
    """
    cosines, norms, nonzero = unit_gramian(gramian)
    used = ops.cast(nonzero, "float64")
    identity = ops.eye(gramian.shape[0], dtype="float64")
    matrix = used[:, None] * used[None, :] * floor_eigenvalues(cosines, _FLOOR)
    matrix = matrix + (1.0 - used)[:, None] * identity  # zero rows become x = 1, apart from the others
    longest = ops.max(norms)
    relative = ops.where(nonzero, norms / ops.where(longest > 0, longest, 1.0), 1.0)  # [T], in (0, 1]
    k = relative ** (exponent - 1.0)
    lengths = 0.5 ** ops.arange(12, dtype="float64")

    def objective(x):  # [..., T] -> [...]
        powers = -ops.log(x) if exponent == 1.0 else x ** (1.0 - exponent) / (exponent - 1.0)
        return ops.sum(0.5 * x * ops.matmul(x, matrix) + k * powers, axis=-1)

    def equations(x):
        return ops.max(ops.abs(ops.matmul(matrix, x) * x**exponent / k - 1.0))

    def keep_going(x, residual):
        return residual > _EXACT

    def newton(x, residual):
        slope = ops.matmul(matrix, x) - k * x**-exponent
        curvature = matrix + identity * (exponent * k * x ** (-exponent - 1.0))
        step = ops.solve(curvature, -slope[:, None])[:, 0]
        longest_step = ops.minimum(1.0, 0.99 / ops.maximum(ops.max(-step / x), 1e-9))
        tried = x + longest_step * lengths[:, None] * step  # [12, T]
        best = ops.take(tried, ops.argmin(objective(tried)), axis=0)
        return best, equations(best)

    x = k ** (1.0 / (1.0 + exponent))  # exact for orthogonal rows
    x, residual = ops.while_loop(keep_going, newton, (x, equations(x)), maximum_iterations=_STEPS)
    unit = ops.where(longest > 0, longest, 1.0) ** (-2.0 / (1.0 + exponent))  # G was divided by longest²
    return used * x / relative * unit, residual
