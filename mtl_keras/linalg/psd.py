"""Functions of a positive semi-definite matrix by its eigenvalues."""

from keras import ops

_ROUND_OFF = 1.2e-7  # of the float32 rows that a Gramian is made of


def spectrum(matrix):
    """Returns the eigenvalues of a Gramian, the eigenvectors, and which of them count.

    An eigenvalue counts if it is above T · 1.2e-7 times the largest: below that it is round-off of the
    float32 rows.

    Args:
        matrix: A positive semi-definite matrix. [T, T]

    Returns:
        The eigenvalues in ascending order [T], with 0 for those that do not count; the eigenvectors as
        columns [T, T]; which eigenvalues count, as 0 and 1 [T].
    """
    values, vectors = ops.eigh(matrix)
    counts = values > matrix.shape[0] * _ROUND_OFF * ops.max(values)
    return ops.where(counts, values, 0.0), vectors, ops.cast(counts, matrix.dtype)


def pseudo_inverse(matrix):
    """Returns the pseudo-inverse of a Gramian, of the rank that its float32 rows can tell. [T, T]"""
    values, vectors, counts = spectrum(matrix)
    inverse = counts / ops.where(counts > 0, values, 1.0)
    return ops.matmul(vectors * inverse, ops.transpose(vectors))


def floor_eigenvalues(matrix, floor):
    """Returns a symmetric matrix with its eigenvalues below `floor` raised to it. [T, T]"""
    values, vectors = ops.eigh(matrix)
    return ops.matmul(vectors * ops.maximum(values, floor), ops.transpose(vectors))
