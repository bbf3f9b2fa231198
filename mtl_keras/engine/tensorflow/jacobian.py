"""The Jacobian of the tasks' losses, in blocks of columns."""

import tensorflow as tf


def jacobian(model, tape, losses, sources, own, replicas):
    """Returns J as blocks [T, P_v], and the own gradients of each task, which come from the same passes.

    Args:
        model: The `MultiTaskModel`, with a plan.
        tape: The persistent tape that saw the forward pass.
        losses: The scaled losses [T] to differentiate, a list.
        sources: The variables or feature tensors that J is with respect to.
        own: `{task: own variables}`.
        replicas: The `Replicas`.
    """
    plan = model.plan
    dense = replicas.num > 1 or model.jit_compile or plan.reads != "gramian"
    inverse_scale = 1.0 / model.optimizer.scale_loss(1.0)
    rows, own_gradients = [], []
    for task, loss in zip(model.objectives, losses, strict=True):
        gradients = tape.gradient(loss, [*sources, *own.get(task, [])])
        rows.append(gradients[: len(sources)])
        own_gradients.append(gradients[len(sources) :])
    columns = zip(*rows, strict=True)
    blocks = [_block(s, column, inverse_scale, dense) for s, column in zip(sources, columns, strict=True)]
    if plan.level == "parameters":
        blocks = [Block(replicas.sum(block.rows), block.restore) for block in blocks]
    return blocks, own_gradients


class Block:
    """The columns of J that belong to one variable or feature tensor.

    Args:
        rows: [T, P_v], float32.
        restore: Function that makes of a direction [P_v] a gradient of the variable.
    """

    def __init__(self, rows, restore):
        self.rows = rows
        self.restore = restore

    def joined(self, other, shares):
        """Returns the block of the whole batch from those of its halves and the halves' shares [T] of the labels."""
        first, second = (tf.expand_dims(share, 1) for share in shares)
        return Block(first * self.rows + second * other.rows, self.restore)


def _block(source, column, inverse_scale, dense):
    """Returns the block of a source from its gradient for each task, None where the task does not reach it.

    The gradients of an embedding stay sparse: only the rows of the table that the batch looked up get columns.
    """
    present = [g for g in column if g is not None]
    if present and not dense and all(isinstance(g, tf.IndexedSlices) for g in present):
        table = tf.TensorShape(source.shape)
        used, position = tf.unique(tf.concat([g.indices for g in present], axis=0))
        positions = iter(tf.split(position, [tf.shape(g.indices)[0] for g in present]))
        size = tf.shape(used)[0]
        parts = [
            tf.zeros([size, *table[1:]])
            if g is None
            else tf.math.unsorted_segment_sum(tf.cast(g.values, tf.float32), next(positions), size)
            for g in column
        ]

        def restore(direction):
            values = tf.cast(tf.reshape(direction, [-1, *table[1:]]), source.dtype)
            return tf.IndexedSlices(values, used, tf.constant(table.as_list(), tf.int64))

    else:
        parts = [tf.zeros_like(source) if g is None else tf.convert_to_tensor(g) for g in column]

        def restore(direction):
            return tf.cast(tf.reshape(direction, tf.shape(source)), source.dtype)

    rows = tf.stack([tf.reshape(tf.cast(part, tf.float32), [-1]) for part in parts])
    return Block(rows if isinstance(inverse_scale, float) else rows * inverse_scale, restore)
