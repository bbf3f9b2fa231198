"""The combination of gradients, with weights of sum 1, that has equal projections on all unit gradients."""

from keras import ops

from mtl_keras._types import Tensor
from mtl_keras.linalg.gramian import to_float32, unit_gramian
from mtl_keras.linalg.psd import damped_solve

_SMALLEST_SUM = 1e-6


def equal_projection_weights(gramian: Tensor, fallback: Tensor) -> Tensor:
    """Returns the weights [T], of sum 1, with which d·gᵢ / ‖gᵢ‖ is the same for all tasks.

    They are C⁻¹1 / norm, divided by its sum, for the cosines C. When rows become linearly dependent, C⁻¹ grows without
    bound, and only the growing part remains after the division. d then goes to 0 if no other direction has equal
    projections, as for opposed rows. A zero row has weight 0.

    Args:
        gramian: G = J·Jᵀ. [T, T]
        fallback: The weights to return if this sum is 0. [T]
    """
    cosines, norms, nonzero = unit_gramian(gramian)
    used = ops.cast(nonzero, "float64")
    equal = damped_solve(cosines, used)  # coefficients of the unit gradients [T]
    shortest = ops.min(ops.where(nonzero, norms, ops.max(norms)))
    raw = used * equal * shortest / ops.where(nonzero, norms, 1.0)  # [T]
    total = ops.sum(raw)
    lost = ops.abs(total) <= _SMALLEST_SUM * ops.max(ops.abs(raw))
    return ops.where(lost, fallback, to_float32(raw / ops.where(lost, 1.0, total)))
