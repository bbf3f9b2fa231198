"""Functions of a positive semi-definite matrix, computed from its eigenvalues."""

from keras import ops

from mtl_keras._types import Tensor

_ROUND_OFF = 1.2e-7  # round-off of the float32 rows behind a Gramian
_DAMPING = 1e-6  # above the round-off in the eigenvalues of cosines of float32 rows


def eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the eigenvalues of a symmetric matrix in ascending order, and the eigenvectors as columns.

    XLA's decomposition stops at an error of 1e-6. One step of Ogita and Aishima's refinement (2018) squares the error.
    """
    _, vectors = ops.eigh(matrix)
    size = matrix.shape[0]
    identity = ops.eye(size, dtype=matrix.dtype)
    gram = identity - ops.matmul(ops.transpose(vectors), vectors)  # [T, T]
    product = ops.matmul(ops.transpose(vectors), ops.matmul(matrix, vectors))  # nearly diagonal [T, T]
    values = ops.diagonal(product) / (1.0 - ops.diagonal(gram))
    gaps = values[None, :] - values[:, None]
    change = product + gram * values[None, :]
    off_diagonal = ops.max(ops.abs(product - identity * values))
    apart = ops.abs(gaps) > 2.0 * (off_diagonal + 1e-15 * ops.max(ops.abs(values)))
    change = ops.where(apart, change / ops.where(apart, gaps, 1.0), gram / 2.0)
    return values, vectors + ops.matmul(vectors, change)


def spectrum(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the eigenvalues of a Gramian, the eigenvectors, and which of the eigenvalues count.

    An eigenvalue counts if it is above T · 1.2e-7 times the largest: below that it is round-off of the
    float32 rows.

    Args:
        matrix: A positive semi-definite matrix. [T, T]

    Returns:
        The eigenvalues in ascending order [T], with 0 for those that do not count; the eigenvectors as
        columns [T, T]; which eigenvalues count, as 0 and 1 [T].
    """
    values, vectors = eigen(matrix)
    counts = values > matrix.shape[0] * _ROUND_OFF * ops.max(values)
    return ops.where(counts, values, 0.0), vectors, ops.cast(counts, matrix.dtype)


def damped_solve(matrix: Tensor, target: Tensor) -> Tensor:
    """Returns the solution x [T] of Mx = b for a Gramian M, without a jump where M becomes singular.

    A pseudo-inverse jumps when an eigenvalue begins to count. Here, four Tikhonov steps apply (M + δ)⁻¹ to the rest of
    b. They replace the inverse of an eigenvalue λ by (1 - (δ / (λ + δ))⁴) / λ, which is exact to 1e-8 above 100 δ, and
    smoothly bounded by 4 / δ below.

    Args:
        matrix: A Gramian of unit rows. [T, T]
        target: The right-hand side b. [T]
    """
    size = matrix.shape[0]
    damped = matrix + max(_DAMPING, size * _ROUND_OFF) * ops.eye(size, dtype=matrix.dtype)
    solution = ops.zeros_like(target)
    for _ in range(4):
        rest = target - ops.matmul(matrix, solution)
        solution = solution + ops.solve(damped, rest[:, None])[:, 0]
    return solution
