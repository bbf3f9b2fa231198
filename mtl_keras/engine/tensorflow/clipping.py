"""Gradient clipping, and the test of a loss scale, where several replicas train."""

import keras
import tensorflow as tf

from mtl_keras.engine.tensorflow.gradients import all_finite, or_nan, times


def clipped_sums(optimizer, gradients, variables, replicas):
    """Returns for each replica an equal part of the sum of the gradients, after the clipping of the optimizer.

    Keras clips the gradients of each replica, and has one of them look whether they are finite, before it sums them.
    The parts are below the bounds and equal, so that both are right after this. Without clipping and loss scale, the
    gradients are returned as they are.

    Args:
        optimizer: The optimizer of the model.
        gradients: The gradients of this replica, some of them None.
        variables: Their variables.
        replicas: The `Replicas`.
    """
    is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    inner = optimizer.inner_optimizer if is_scaled else optimizer
    optimizer_of = getattr(inner, "optimizer_map", lambda variable: inner)  # an optimizer for each part
    optimizers = [optimizer_of(v) for v in variables]
    if replicas.num == 1 or not (is_scaled or any(clips(found) for found in optimizers)):
        return gradients
    places = [i for i, g in enumerate(gradients) if g is not None]
    sums = dict(zip(places, replicas.sum([gradients[i] for i in places]), strict=True))
    part = 1.0 / replicas.num
    if is_scaled:
        part = or_nan(all_finite(*(g.values if isinstance(g, tf.IndexedSlices) else g for g in sums.values())), part)
    for one in {id(found): found for found in optimizers if clips(found)}.values():
        own = [i for i in places if optimizers[i] is one]
        sums |= zip(own, _clipped(one, [sums[i] for i in own], optimizer.scale_loss(1.0)), strict=True)
    return [None if g is None else times(sums[i], part) for i, g in enumerate(gradients)]


def clips(optimizer):
    """Returns whether an optimizer clips gradients."""
    return any((optimizer.clipnorm, optimizer.global_clipnorm, optimizer.clipvalue))


def _clipped(optimizer, gradients, scale):
    """Returns gradients, which are scaled, as Keras clips them."""
    gradients = [times(g, 1.0 / scale) for g in gradients]
    if optimizer.clipnorm:
        gradients = [tf.clip_by_norm(g, optimizer.clipnorm) for g in gradients]
    elif optimizer.global_clipnorm:
        gradients, _ = tf.clip_by_global_norm(gradients, optimizer.global_clipnorm)
    else:
        value = optimizer.clipvalue
        gradients = [tf.clip_by_value(tf.convert_to_tensor(g), -value, value) for g in gradients]
    return [times(g, scale) for g in gradients]
