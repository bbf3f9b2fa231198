"""Projection onto the probability simplex."""

from keras import ops

from mtl_keras._types import Tensor


def project_simplex(point: Tensor, present: Tensor) -> Tensor:
    """Returns the nearest point of the simplex {w >= 0, sum w = 1} whose absent entries are 0.

    The projection is max(x - θ, 0), and θ is the largest of the values (x₁ + ... + x_k - 1) / k over the
    entries in descending order.

    Args:
        point: The point to project. [T]
        present: 1 for entries that take part, 0 for entries that become 0. [T]

    Returns:
        The projection. [T]
    """
    present = ops.cast(present, point.dtype)
    lowest = ops.min(point)
    point = ops.where(present > 0, point, lowest)
    point = point - ops.max(point)  # a shift does not change the projection; small numbers are accurate
    point = ops.where(present > 0, point, ops.min(point) - 1.0)
    descending = -ops.sort(-point)  # absent entries come last
    rank = ops.arange(1, point.shape[0] + 1, dtype=point.dtype)
    thresholds = (ops.cumsum(descending) - 1.0) / rank
    threshold = ops.max(ops.where(rank <= ops.sum(present), thresholds, ops.min(thresholds)))
    return present * ops.maximum(point - threshold, 0.0)
