"""Quadratic programs over the non-negative numbers, by block principal pivoting."""

from keras import ops

from mtl_keras._types import Tensor

_ZERO = 1e-12  # the sign of a smaller number is round-off
_PATIENCE = 3  # block exchanges without progress before single ones
RIDGE = 1e-6  # above the round-off in the eigenvalues of cosines of float32 rows
_REFINEMENTS = 3


def nonnegative_qp(matrix: Tensor, linear: Tensor) -> tuple[Tensor, Tensor]:
    """Minimises zᵀMz / 2 + qᵀz over z >= 0, for K vectors q at once, with M perhaps singular.

    A ridge of 1e-6 keeps M positive definite despite round-off. Three proximal steps, each of which pulls z to
    the last z instead of to 0, remove its effect for larger eigenvalues of M.

    Args:
        matrix: M, symmetric, positive semi-definite up to round-off, with a diagonal of order 1. A zero row
            sets its entry of z to 0. [T, T]
        linear: The vectors q. [K, T]

    Returns:
        The solutions [K, T], and the residual max |min(z, Mz + q)| / max |q|, the largest over K. Scalar.
    """
    state = (ops.zeros_like(linear), linear < 0)
    z, _ = ops.fori_loop(0, 1 + _REFINEMENTS, lambda _, state: ridge_qp(matrix, linear, *state), state)
    y = ops.matmul(z, matrix) + linear  # M is symmetric
    gap = ops.where(ops.diagonal(matrix) > 0, ops.minimum(z, y), 0.0)
    scale = ops.max(ops.abs(linear), axis=1, keepdims=True)
    return z, ops.max(ops.abs(gap) / ops.where(scale > 0, scale, 1.0))


def ridge_qp(matrix: Tensor, linear: Tensor, center: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Minimises zᵀMz / 2 + qᵀz + 1e-6·‖z - center‖² / 2 over z >= 0, for K vectors q at once.

    Block principal pivoting: for a guessed set of free entries, z solves a linear system. Then every free entry
    with z < 0 and every bound entry with gradient y < 0 changes sides. After three exchanges without progress,
    only the last such entry changes, which cannot cycle. It ends with the exact solution, usually after fewer
    than ten exchanges; the limit is 2T + 20.

    Args:
        matrix: As in `nonnegative_qp`. [T, T]
        linear: The vectors q. [K, T]
        center: The point to which the ridge pulls z. [K, T]
        start: Initial guess of the positive entries of the solution, as booleans. [K, T]

    Returns:
        The solutions, and which of their entries are free. [K, T] both
    """
    size = matrix.shape[0]
    linear = linear - RIDGE * center
    scale = ops.max(ops.abs(linear), axis=1, keepdims=True)  # [K, 1]
    linear = linear / ops.where(scale > 0, scale, 1.0)
    usable = ops.diagonal(matrix) > 0
    identity = ops.eye(size, dtype=matrix.dtype)
    matrix = matrix + RIDGE * identity
    position = ops.arange(1, size + 1, dtype="int32")

    def solve(free):
        chosen = ops.cast(free, matrix.dtype)
        system = chosen[:, :, None] * matrix * chosen[:, None, :] + (1.0 - chosen)[:, :, None] * identity
        z = ops.solve(system, -(chosen * linear)[:, :, None])[:, :, 0]  # [K, T]
        y = ops.matmul(z, matrix) + linear  # [K, T], M is symmetric
        return z, y

    def misplaced(free, z, y):
        zero = _ZERO * (1.0 + ops.max(ops.abs(z), axis=1, keepdims=True))
        return ops.logical_and(ops.where(free, z, y) < -zero, usable)

    def keep_going(step, free, wrong, fewest, patience):
        return ops.any(wrong)

    def exchange(step, free, wrong, fewest, patience):
        count = ops.sum(ops.cast(wrong, "int32"), axis=1, keepdims=True)  # [K, 1]
        better = count < fewest
        block = ops.logical_or(better, patience > 0)
        last = ops.max(ops.where(wrong, position, 0), axis=1, keepdims=True)
        moved = ops.logical_and(wrong, ops.logical_or(block, position == last))
        free = ops.logical_xor(free, moved)
        wrong = misplaced(free, *solve(free))
        patience = ops.where(better, _PATIENCE, patience - 1)
        return step + 1, free, wrong, ops.minimum(count, fewest), patience

    free = ops.logical_and(start, usable)
    none = ops.zeros_like(ops.cast(scale, "int32"))
    state = (0, free, misplaced(free, *solve(free)), none + size + 1, none + _PATIENCE)
    _, free, _, _, _ = ops.while_loop(keep_going, exchange, state, maximum_iterations=2 * size + 20)
    return scale * ops.maximum(solve(free)[0], 0.0), free
