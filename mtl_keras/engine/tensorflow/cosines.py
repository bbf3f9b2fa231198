"""The cosines of the tasks' gradients."""

import tensorflow as tf

from mtl_keras.engine.tensorflow.jacobian import Block, make_block
from mtl_keras.linalg.gramian import unit_gramian


def cosines(model, batch, variables=None):
    """Returns the cosines of the tasks' gradients for shared variables, NaN for a gradient of zero. [T, T]

    This takes a forward pass and T backward passes. Averages and seeds stay unchanged, so the next forward pass draws
    the same dropout.

    Args:
        model: A `MultiTaskModel`, compiled.
        batch: A `Batch`.
        variables: The shared variables to use; None for all.
    """
    state = list({id(v): v for layer in model.layers for v in layer.non_trainable_variables}.values())
    before = [tf.identity(v.value) for v in state]
    with tf.GradientTape(persistent=True) as tape:
        losses = batch.weighted(batch.losses(model(batch.x, training=True), training=True).losses)
        losses = [model.optimizer.scale_loss(loss) for loss in losses]
    shared = model.partition.shared if variables is None else variables
    columns = zip(*(tape.gradient(loss, shared) for loss in losses), strict=True)
    dense = batch.replicas.num > 1 or model.jit_compile
    blocks = [make_block(v, column, 1.0, dense) for v, column in zip(shared, columns, strict=True)]
    if batch.replicas.num > 1:
        blocks = [Block(tf.unstack(batch.replicas.sum(block.stacked())), block.restore) for block in blocks]
    batch.replicas.assign(state, before)
    gramian = sum((block.gramian(block) for block in blocks), tf.zeros([len(losses), len(losses)]))
    values, _, nonzero = unit_gramian(gramian)
    known = tf.logical_and(nonzero[:, None], nonzero[None, :])
    return tf.where(known, tf.cast(values, tf.float32), float("nan"))
