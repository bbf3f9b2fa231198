"""The cosines of the tasks' gradients."""

import tensorflow as tf

from mtl_keras.engine.tensorflow.jacobian import Jacobian, product
from mtl_keras.linalg.gramian import unit_gramian


def cosines(model, batch, variables=None):
    """Returns the cosines of the tasks' gradients for shared variables, NaN for a gradient of zero. [T, T]

    If all shared variables are frozen, each is NaN.

    This takes a forward pass and T backward passes. Averages and seeds stay unchanged, so the next forward pass draws
    the same dropout.

    Args:
        model: A `MultiTaskModel`, compiled.
        batch: A `Batch`.
        variables: The shared variables to use; None for all.
    """
    shared = model.partition.shared if variables is None else variables
    if not shared:
        return tf.fill([len(model.task_names)] * 2, float("nan"))
    state = list({id(v): v for layer in model.layers for v in layer.non_trainable_variables}.values())
    before = [tf.identity(v.value) for v in state]
    with tf.GradientTape(persistent=True) as tape:
        losses = batch.weighted(batch.losses(model(batch.x, training=True), training=True).losses)
        losses = [model.optimizer.scale_loss(loss) for loss in losses]
    sparse = batch.replicas.num == 1 and not model.jit_compile
    jacobian = Jacobian(tape, losses, shared, batch.replicas, inverse_scale=1.0, sparse=sparse, summed=True)
    blocks, _ = jacobian.rows()
    batch.replicas.assign(state, before)
    gramian = product(blocks, blocks)
    values, _, nonzero = unit_gramian(gramian)
    known = tf.logical_and(nonzero[:, None], nonzero[None, :])
    return tf.where(known, tf.cast(values, tf.float32), float("nan"))
