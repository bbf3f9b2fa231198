"""Refuses losses that are too low for a weighting, such as negative ones for a method that takes their logarithms."""

import tensorflow as tf

_ROUND_OFF = 1e-3  # a loss of 0 may be computed as lower by this


def checked(losses, present, weighting, tasks):
    """Returns the losses [T]; raises an error if one is too low. Under XLA it becomes NaN instead.

    Args:
        losses: The weighted losses. [T]
        present: 1 for each task that takes part, else 0. [T]
        weighting: The weighting, with `lowest_losses`: bounds [T], one bound for all, or None.
        tasks: Names of the tasks.
    """
    lowest = weighting.lowest_losses
    if lowest is None:
        return losses
    low = tf.logical_and(present > 0, losses < tf.constant(lowest, tf.float32) - _ROUND_OFF)
    message = (
        f"{type(weighting).__name__} takes no loss below {lowest}, and one of {list(tasks)} is. Use losses that are "
        "not negative, or a weighting that takes any, such as 'equal', 'stch' or 'pcgrad'; for FAMO, lower "
        "`min_losses`. The losses times their weights:"
    )
    tf.debugging.Assert(tf.logical_not(tf.reduce_any(low)), [message, losses], summarize=-1)
    return tf.where(low, float("nan"), losses)  # XLA leaves out assertions
