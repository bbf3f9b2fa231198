"""The replicas that a step runs on."""

import tensorflow as tf


class Replicas:
    """The replicas of `tf.distribute` that a step runs on, from inside one of them."""

    def __init__(self):
        self.num = tf.distribute.get_strategy().num_replicas_in_sync

    def sum(self, tensors):
        """Returns the sum of the replicas' tensors, on every replica; of each one, if it is a list of them."""
        if self.num == 1:
            return tensors
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)

    def all(self, flag):
        """Returns whether a flag is true on all replicas."""
        return flag if self.num == 1 else self.sum(tf.cast(flag, tf.float32)) > self.num - 0.5

    def cond(self, flag, one, other):
        """Returns what one of two functions returns, which may sum over the replicas.

        Replicas cannot meet inside a condition of their own. So they meet first, and the condition is around all of
        them.

        Args:
            flag: Whether to call the first function; the same on all replicas.
            one, other: Functions without arguments that return the same structure of tensors.
        """
        if self.num == 1:
            return tf.cond(flag, one, other)

        def choose(strategy, flag, one, other):
            def on_all(function):
                return lambda: strategy.extended.call_for_each_replica(lambda call: call(), args=(function,))

            return tf.cond(strategy.experimental_local_results(flag)[0], on_all(one), on_all(other))

        return tf.distribute.get_replica_context().merge_call(choose, args=(flag, one, other))

    def never_empty(self, x, y, sample_weight):
        """Returns a batch with one row of weight 0 where this replica has got none, which not every layer takes.

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
    """A batch that is not split, whatever the strategy."""

    def __init__(self):
        self.num = 1


def can_repeat(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether replicas can sum in a step that a loop repeats, as for `steps_per_execution`; by a trial."""
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False  # nor is it tried: a sum that fails on one worker would leave the others waiting

    def one():
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.ones([]))

    @tf.function
    def step():
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(one), axis=None)

    @tf.function
    def steps():
        def repeat(i):
            tf.cond(i < 2, step, lambda: 0.0)
            return (i + 1,)

        return tf.while_loop(lambda i: i < 2, repeat, (0,))

    try:
        steps()
    except tf.errors.InvalidArgumentError:  # TensorFlow 2.21 loses the number of the sum
        return False
    return True
