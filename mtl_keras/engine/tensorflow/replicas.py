"""The replicas that a step runs on."""

import tensorflow as tf


class Replicas:
    """The replicas of `tf.distribute` that a step runs on, from inside one of them."""

    def __init__(self):
        self.num = tf.distribute.get_strategy().num_replicas_in_sync

    def sum(self, tensor):
        """Returns the sum of the replicas' tensors, on every replica."""
        if self.num == 1:
            return tensor
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensor)

    def all(self, flag):
        """Returns whether a flag is true on all replicas."""
        return flag if self.num == 1 else self.sum(tf.cast(flag, tf.float32)) > self.num - 0.5

    def never_empty(self, x, y, sample_weight):
        """Returns a batch with one row of weight 0 if this replica has no rows, because not every layer accepts that.

        The inputs of the row are ones, as zeros could be padding.

        Args:
            x: Inputs, a tensor or a structure of them.
            y: `{task: labels}`
            sample_weight: `{task: weights or None}`
        """
        if self.num == 1:
            return x, y, sample_weight
        rows = tf.shape(tf.nest.flatten(x)[0])[0]
        added = tf.cast(rows == 0, tf.int32)

        def with_row_of(value):
            def padded(tensor):
                filling = str(value) if tensor.dtype == tf.string else tf.cast(value, tensor.dtype)
                return tf.concat([tensor, tf.fill([added, *tf.unstack(tf.shape(tensor))[1:]], filling)], axis=0)

            return padded

        weights = {task: tf.ones([rows]) if weight is None else weight for task, weight in sample_weight.items()}
        x = tf.nest.map_structure(with_row_of(1), x)
        y, weights = tf.nest.map_structure(with_row_of(0), (y, weights))
        return x, y, weights

    def assign(self, variables, values):
        """Assigns the replica's values to its copies of variables, also where Keras leaves that to optimizers."""
        if self.num == 1:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return

        def assign(strategy, values):
            for variable, value in zip(variables, values, strict=True):
                strategy.extended.update(variable.value, lambda v, new: v.assign(new), args=(value,))

        tf.distribute.get_replica_context().merge_call(assign, args=(values,))


class OneReplica(Replicas):
    """A batch that is not split, under any strategy."""

    def __init__(self):
        self.num = 1
