"""How much the gradients of the tasks oppose each other."""

from keras import ops

from mtl_keras._types import Tensor

ROUNDING = 1e-5  # relative, of an inner product in float32


def conflict(gramian: Tensor, present: Tensor) -> Tensor:
    """Returns the share of the pairs of present tasks whose gradients have a negative inner product.

    Args:
        gramian: Inner products of the tasks' gradients. [T, T]
        present: [T], 0 or 1.
    """
    pairs = ops.outer(present, present) * (1.0 - ops.eye(present.shape[0]))  # [T, T]
    return ops.sum(pairs * ops.cast(gramian < 0, pairs.dtype)) / ops.maximum(ops.sum(pairs), 1.0)


def conflict_after(progress: Tensor, present: Tensor) -> Tensor:
    """Returns the share of the present tasks whose loss the update increases, to first order.

    Some methods leave a loss as it is. Then the product is 0 but for rounding, and does not count.

    Args:
        progress: Inner product of each task's gradient with the combined one. [T]
        present: [T], 0 or 1.
    """
    worse = present * ops.cast(progress < -ROUNDING * ops.max(ops.abs(progress)), present.dtype)
    return ops.sum(worse) / ops.maximum(ops.sum(present), 1.0)
