"""Softmax, norms, logarithms and scales that ignore absent tasks and stay finite."""

from keras import ops

_FAR = 10.0  # a value above this multiple of the first one shows that the first one was not typical
_LARGEST_LOG_SCALE = 30.0
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


def first_value(first, value):
    """Returns the first values, but `value` if it is more than ten times as large, or the first value is 0. [T]

    Quantities relative to a first value of almost 0 would stay useless for the rest of the training.
    """
    return ops.where(value > _FAR * first, value, first)


def scaled_loss(log_scales, losses):
    """Returns exp(s)·L - s, whose gradient keeps the log-scales s within [-30, 30]. [T]

    At a bound, the gradient only points back: otherwise a loss that stays at 0 would raise its scale until it
    overflows.
    """
    fixed = ops.stop_gradient(log_scales)
    s = ops.clip(fixed, -_LARGEST_LOG_SCALE, _LARGEST_LOG_SCALE)
    slopes = ops.exp(s) * ops.stop_gradient(losses) - 1.0
    slopes = ops.where(fixed >= _LARGEST_LOG_SCALE, ops.maximum(slopes, 0.0), slopes)
    slopes = ops.where(fixed <= -_LARGEST_LOG_SCALE, ops.minimum(slopes, 0.0), slopes)
    return ops.exp(s) * losses - s + slopes * (log_scales - fixed)
