"""How far the corresponding variables of several towers are from each other."""

from keras import ops


def squared_l2_distance(groups):
    """Returns Σ_{i<j} ‖θ_i − θ_j‖².

    Computed as T · Σ_i ‖θ_i − mean(θ)‖², which is the same and takes T differences instead of T(T − 1)/2.

    Args:
        groups: One list of tensors per tower; the k-th tensors of all lists correspond and have the same shape.
    """
    total = 0.0
    for tensors in zip(*groups, strict=True):
        stack = ops.stack(tensors)  # [T, ...]
        total += len(groups) * ops.sum(ops.square(stack - ops.mean(stack, axis=0)))
    return total


def l1_distance(groups):
    """Returns Σ_{i<j} ‖θ_i − θ_j‖₁; arguments as in `squared_l2_distance`."""
    total = 0.0
    for tensors in zip(*groups, strict=True):
        for i, a in enumerate(tensors):
            for b in tensors[i + 1 :]:
                total += ops.sum(ops.abs(a - b))
    return total


def trace_norm(groups):
    """Returns Σ_k ‖[vec θ_1k; ...; vec θ_Tk]‖_*, the sum of the singular values of the towers' stacked variables.

    Its gradient is U·Vᵀ over the singular values that are not zero, finite everywhere: from U·S·Vᵀ of the
    stack without gradients, U·Vᵀ is a constant C with ⟨C, stack⟩ = the norm.

    Args:
        groups: As in `squared_l2_distance`.

    Reference: Y. Yang, T. Hospedales, "Trace Norm Regularised Deep Multi-Task Learning", ICLR workshop 2017: the
    variant that flattens along the task axis ("last axis flattening").
    """
    total = 0.0
    for tensors in zip(*groups, strict=True):
        stack = ops.stack([ops.reshape(tensor, (-1,)) for tensor in tensors])  # [T, n]
        u, s, vt = ops.svd(ops.stop_gradient(stack), full_matrices=False)
        rank_one = ops.cast(s > 1e-6 * ops.max(s), s.dtype)  # [min(T, n)], 0 for the zero singular values
        total += ops.sum(ops.matmul(u * rank_one, vt) * stack)
    return total
