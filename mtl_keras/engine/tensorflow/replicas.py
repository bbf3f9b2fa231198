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
