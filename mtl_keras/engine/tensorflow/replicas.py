"""The replicas that a step runs on."""

import tensorflow as tf


class Replicas:
    """The replicas of `tf.distribute` that a step runs on, from inside one of them."""

    def __init__(self):
        self.num = tf.distribute.get_strategy().num_replicas_in_sync
        self.meet = tf.distribute.has_strategy()  # in an update of variables; one replica of a strategy, too

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
        if not self.meet:
            return tf.cond(flag, one, other)

        def choose(strategy, flag, one, other):
            def on_all(function):
                return lambda: strategy.extended.call_for_each_replica(lambda call: call(), args=(function,))

            return tf.cond(strategy.experimental_local_results(flag)[0], on_all(one), on_all(other))

        result = tf.distribute.get_replica_context().merge_call(choose, args=(flag, one, other))
        # Back on the device of the replica: without one, TensorFlow cannot sum the gradients of a single replica.
        return tf.nest.map_structure(tf.identity, result, expand_composites=True)

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
        if not self.meet:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return

        def assign(strategy, values):
            for variable, value in zip((v.value for v in variables), values, strict=True):
                if isinstance(variable, tf.distribute.DistributedValues):
                    strategy.extended.update(variable, lambda v, new: v.assign(new), args=(value,))
                else:  # made outside of the scope of the strategy, such as the seed of a dropout layer
                    variable.assign(strategy.experimental_local_results(value)[0])

        tf.distribute.get_replica_context().merge_call(assign, args=(values,))


class OneReplica(Replicas):
    """A batch that is not split, under any strategy."""

    def __init__(self):
        self.num, self.meet = 1, False


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
