"""How much the gradients of the tasks oppose each other. A product that is 0 but for rounding is no conflict."""

from keras import ops

from mtl_keras._types import Tensor
from mtl_keras.linalg.gramian import unit_gramian

ROUNDING = 1e-5  # of the cosine of two rows in float32


def conflict(gramian: Tensor, present: Tensor) -> Tensor:
    """Returns the share of the pairs of present tasks whose gradients have a negative inner product.

    Args:
        gramian: Inner products of the tasks' gradients. [T, T]
        present: [T], 0 or 1.
    """
    cosines, _, _ = unit_gramian(gramian)
    pairs = ops.outer(present, present) * (1.0 - ops.eye(present.shape[0]))  # [T, T]
    return ops.sum(pairs * ops.cast(cosines < -ROUNDING, pairs.dtype)) / ops.maximum(ops.sum(pairs), 1.0)


def conflict_after(gramian: Tensor, progress: Tensor, present: Tensor) -> Tensor:
    """Returns the share of the present tasks whose loss the update increases, to first order.

    Some methods leave a loss as it is, so its product is 0 but for rounding. The least length that the combined
    gradient can have, max_i |progress_i| / |g_i|, tells how large rounding can be.

    Args:
        gramian: As for `conflict`. [T, T]
        progress: Inner product of each task's gradient with the combined one. [T]
        present: [T], 0 or 1.
    """
    _, norms, nonzero = unit_gramian(gramian)
    along = ops.where(nonzero, ops.cast(progress, norms.dtype) / ops.where(nonzero, norms, 1.0), 0.0)
    worse = present * ops.cast(along < -ROUNDING * ops.max(ops.abs(along)), present.dtype)
    return ops.sum(worse) / ops.maximum(ops.sum(present), 1.0)
