"""Computes how much a step along one task's gradient lowers the losses of all tasks."""

import tensorflow as tf


def affinities(model, batch, rate=None):
    """Returns 1 - L_j(after a step along task i) / L_j(before) as [i, j], NaN for a task without labels. [T, T]

    The step is gradient descent on the shared variables only. This takes T backward and 1 + T forward passes with the
    same dropout. Variables, averages and seeds stay unchanged.

    Args:
        model: A `MultiTaskModel`, compiled.
        batch: A `Batch`, not split over replicas.
        rate: Learning rate of the step; None for the optimizer's.
    """
    if batch.replicas.num > 1:
        raise ValueError("Affinity cannot be measured under a tf.distribute strategy with several replicas.")
    shared = model.partition.shared
    state = list({id(v): v for layer in model.layers for v in layer.non_trainable_variables}.values())
    before_state, before = ([tf.identity(v.value) for v in variables] for variables in (state, shared))
    scale = model.optimizer.scale_loss(tf.ones([]))  # for losses in float16
    with tf.GradientTape(persistent=True) as tape:
        found = batch.losses(model(batch.x, training=True), training=True)
        losses = [loss * scale for loss in batch.weighted(found.losses)]
    gradients = [tape.gradient(loss, shared) for loss in losses]
    step = tf.cast(model.optimizer.learning_rate if rate is None else rate, tf.float32) / scale
    rows = []
    for of_task in gradients:
        batch.replicas.assign(state, before_state)
        batch.replicas.assign(shared, [_moved(v, g, step) for v, g in zip(before, of_task, strict=True)])
        after = batch.losses(model(batch.x, training=True), training=True)
        rows.append(tf.stack(batch.weighted(after.losses)))
    batch.replicas.assign(state, before_state)
    batch.replicas.assign(shared, before)
    old = tf.stack(batch.weighted(found.losses))
    known = tf.logical_and(found.counts > 0, old != 0)
    values = 1 - tf.math.divide_no_nan(tf.stack(rows), old[None])
    return tf.where(tf.logical_and(known[:, None], known[None, :]), tf.cast(values, tf.float32), float("nan"))


def _moved(value, gradient, step):
    """Returns a variable's value after a step against a gradient; None means that the task does not reach it."""
    if gradient is None:
        return value
    return value - tf.cast(step, value.dtype) * tf.cast(tf.convert_to_tensor(gradient), value.dtype)
