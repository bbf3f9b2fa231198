"""The point of least norm in the convex hull of the rows of a Jacobian, in terms of its Gramian."""

from keras import ops

from mtl_keras._types import Tensor
from mtl_keras.linalg.gramian import unit_gramian
from mtl_keras.linalg.nonnegative_qp import nonnegative_qp


def min_norm_point(gramian: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Returns w = argmin wᵀGw over the simplex, exactly, and a certificate.

    On the simplex wᵀGw and wᵀ(G + c11ᵀ)w differ by the constant c, and for c > 0 the minimum over the
    simplex is, up to its length, the minimum of wᵀ(G + c11ᵀ)w / 2 - 1ᵀw over w >= 0. That is solved in the
    variables w·norm, with c the least squared norm, so rows of very different lengths are no problem. Equal
    rows get equal weights. If a present row is zero, the weight is shared among the zero rows.

    Args:
        gramian: G = J·Jᵀ; absent tasks have zero rows and columns. [T, T]
        present: 1 for tasks that take part. [T]

    Returns:
        The weights [T] in float64, and the residual max |min(w, Gw - wᵀGw)|, both in the variables w·norm,
        free of scale. Scalar.
    """
    cosines, norms, nonzero = unit_gramian(gramian)
    present = ops.cast(present, "float64")
    rows = present * ops.cast(nonzero, "float64")
    shortest = ops.min(ops.where(rows > 0, norms, ops.max(norms)))
    a = rows * ops.where(rows > 0, shortest / ops.where(rows > 0, norms, 1.0), 0.0)  # [T], in (0, 1]
    both = rows[:, None] * rows[None, :]
    matrix = both * cosines + a[:, None] * a[None, :]  # [T, T]
    x, _ = nonnegative_qp(matrix, -a[None, :])
    total = ops.sum(a * x[0])
    x = x[0] / ops.where(total > 0, total, 1.0)  # w·norm, in units of the shortest norm [T]
    slope = ops.matmul(cosines, x)  # [T]
    residual = ops.max(ops.abs(ops.minimum(x, slope - a * ops.sum(x * slope))))
    zero = present * (1.0 - rows)
    zeros = ops.sum(zero)
    weights = ops.where(zeros > 0, zero / ops.maximum(zeros, 1.0), a * x)
    return weights, ops.where(zeros > 0, 0.0, residual)
