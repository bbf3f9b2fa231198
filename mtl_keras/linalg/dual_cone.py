"""Projection onto the dual cone of the rows of a Jacobian, in terms of its Gramian."""

from keras import ops

from mtl_keras._types import Tensor
from mtl_keras.linalg.nonnegative_qp import nonnegative_qp


def dual_cone_coefficients(cosines: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Projects K combinations of unit rows onto the cone of directions that conflict with no row.

    The projection of Jᵀu onto {d : Jd >= 0} is Jᵀv with v = argmin vᵀGv subject to v >= u. With v = u + z
    this is a quadratic program in z >= 0, solved exactly. For equal rows it takes the solution of least
    norm.

    Args:
        cosines: The Gramian of unit rows; a zero row takes no part. [T, T]
        points: The coefficients u of the K combinations. [K, T]

    Returns:
        The coefficients v of the projections [K, T], and the residual of the optimality conditions, free of
        scale.
    """
    z, _ = nonnegative_qp(cosines, ops.matmul(points, cosines))
    y = ops.matmul(points + z, cosines)  # must be >= 0, and 0 where z > 0
    largest = ops.max(ops.abs(points), axis=1, keepdims=True)
    gap = ops.max(ops.abs(ops.minimum(z, y)), axis=1, keepdims=True)
    residual = ops.max(gap / ops.where(largest > 0, largest, 1.0))
    return points + z, residual
