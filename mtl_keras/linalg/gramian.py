"""Splits a Gramian into norms and cosines, so that no method depends on the scale of a row."""

from keras import ops

from mtl_keras._types import Tensor

_SMALLEST = 1e-37  # a squared norm below it counts as 0: XLA flushes denormal float32 numbers to 0
_LARGEST = 3e38  # of float32


def unit_gramian(gramian: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Splits a Gramian into the cosines of its rows and their norms, in float64.

    Everything after this function is of order one, whatever the scale of the rows, and float64 keeps the
    solvers exact when the Gramian of float32 rows is nearly singular.

    Args:
        gramian: G = J·Jᵀ. [T, T]

    Returns:
        The cosines [T, T], with diagonal 1, or 0 for a zero row; the norms [T]; which rows are not zero [T].
    """
    gramian = ops.cast(gramian, "float64")
    squares = ops.diagonal(gramian)
    nonzero = squares > _SMALLEST  # [T]
    norms = ops.sqrt(ops.where(nonzero, squares, 0.0))
    inverse = ops.where(nonzero, 1.0 / ops.where(nonzero, norms, 1.0), 0.0)
    cosines = ops.clip(gramian * inverse[:, None] * inverse[None, :], -1.0, 1.0)
    cosines = (cosines + ops.transpose(cosines)) / 2.0
    identity = ops.eye(gramian.shape[0], dtype="float64")
    cosines = ops.where(identity > 0, ops.cast(nonzero, "float64")[:, None], cosines)  # [T, T]
    return cosines, norms, nonzero


def to_float32(x: Tensor) -> Tensor:
    """Casts to float32; numbers that are too large become the largest float32 number instead of infinity."""
    return ops.cast(ops.clip(x, -_LARGEST, _LARGEST), "float32")
