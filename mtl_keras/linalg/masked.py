"""Softmax, norms and logarithms that pass over absent tasks and stay finite."""

from keras import ops

_LOWEST = -3e38  # below every finite loss; its exponential is 0


def masked_logits(logits, present):
    """Returns the logits, with the lowest finite number for absent tasks. [T]"""
    return ops.where(present > 0, logits, _LOWEST)


def masked_softmax(logits, present):
    """Returns the softmax over the present tasks, 0 for absent ones. [T]"""
    logits = masked_logits(logits, present)
    powers = ops.exp(logits - ops.max(logits)) * present  # `ops.softmax` warns of a single task
    return powers / ops.maximum(ops.sum(powers), 1.0)  # the largest is 1, unless all are absent


def masked_logsumexp(logits, present):
    """Returns log Σ exp(logits) over the present tasks; scalar, the lowest number if all are absent."""
    return ops.logsumexp(masked_logits(logits, present))


def clamped_log(values, eps):
    """Returns log(max(values, eps)): its gradient is 1 / value above `eps` and 0 below."""
    return ops.log(ops.maximum(values, eps))


def row_norms(rows):
    """Returns the Euclidean norm of every row without overflow or underflow of the squares. [T, P] -> [T]"""
    largest = ops.max(ops.abs(rows), axis=1)  # [T]
    scale = ops.where(largest > 0, largest, 1.0)
    return scale * ops.sqrt(ops.sum(ops.square(rows / scale[:, None]), axis=1))
