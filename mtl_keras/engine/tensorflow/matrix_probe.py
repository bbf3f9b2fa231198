"""Records a matrix between the tasks during training."""

import keras
import tensorflow as tf

from mtl_keras.engine.batch import Batch
from mtl_keras.engine.tensorflow.replicas import OneReplica


class MatrixProbe:
    """Records a matrix between the tasks, for the training batches or for a given batch.

    A call in the training step, before the update, counts the step and records the batch at every n-th one.

    Args:
        model: A `MultiTaskModel`, compiled.
        every: Records the steps 0, n, 2n, ..., counted over the life of the optimizer.
        compute: Function of a model and a `Batch` that returns the matrix, [T, T], and changes nothing.

    Attributes:
        next_due: The next step to be recorded.
    """

    def __init__(self, model, every, compute):
        self.model = model
        self.every = every
        self._compute = compute
        self.next_due, num_tasks = 0, len(model.task_names)
        self._size = 1 + model.steps_per_execution // every  # of a ring buffer, read between executions only
        options = {"trainable": False, "aggregation": "only_first_replica"}
        with model.distribute_strategy.scope():
            self._step = keras.Variable(0, dtype="int64", name="probe_step", **options)
            zeros = tf.zeros([self._size, num_tasks, num_tasks])
            self._ring = keras.Variable(zeros, dtype="float32", name="probe_matrices", **options)
        self._measure = tf.function(self._measured)

    def start(self, num_steps):
        """Sets the number of earlier steps when a training begins."""
        self._step.assign(num_steps)
        self.next_due = -(-num_steps // self.every) * self.every

    def __call__(self, batch):
        step = tf.convert_to_tensor(self._step)

        def record():
            slot = tf.math.floormod(tf.math.floordiv(step, self.every), self._size)
            matrix = self._compute(self.model, batch)
            self._ring.assign(tf.tensor_scatter_nd_update(self._ring, [[slot]], [matrix]))
            return 0

        if self.every == 1:
            record()
        else:
            batch.replicas.cond(tf.equal(tf.math.floormod(step, self.every), 0), record, lambda: 0)
        with tf.control_dependencies(keras.tree.flatten(batch.x)):  # the end of a stream is no step
            self._step.assign(step + 1)

    def read(self):
        """Returns the records since the last call: a list of pairs of a step and an array [T, T]."""
        done = int(self._step.numpy())
        due = range(self.next_due, done, self.every)
        self.next_due += len(due) * self.every
        ring = self._ring.numpy() if due else None
        return [(step, ring[step // self.every % self._size]) for step in due[-self._size :]]

    def measure(self, data):
        """Returns the matrix of a batch `(x, y)` or `(x, y, sample_weight)` as an array [T, T]."""
        return self._measure(tuple(data)).numpy()

    def _measured(self, data):
        return self._compute(self.model, Batch(self.model, data, OneReplica()))
