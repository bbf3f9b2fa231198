"""The cosines of the tasks' gradients, beside what is trained."""

import keras
import tensorflow as tf

from mtl_keras.engine.batch import Batch
from mtl_keras.engine.tensorflow.jacobian import Block, make_block
from mtl_keras.engine.tensorflow.replicas import OneReplica
from mtl_keras.linalg.gramian import unit_gramian


def cosines(model, batch):
    """Returns the cosines of the tasks' gradients for the shared variables, NaN for a gradient of zero. [T, T]

    By a forward pass and T backward passes, which leave averages and seeds as they were: a forward pass after it
    draws the same dropout.
    """
    state = list({id(v): v for layer in model.layers for v in layer.non_trainable_variables}.values())
    before = [tf.identity(v.value) for v in state]
    with tf.GradientTape(persistent=True) as tape:
        losses = batch.weighted(batch.losses(model(batch.x, training=True), training=True).losses)
        losses = [model.optimizer.scale_loss(loss) for loss in losses]
    shared = model.partition.shared
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


class CosineProbe:
    """Records the cosines of the tasks' gradients, of the batches that are trained or of a given one.

    A call in the training step, before the update, counts the step and records the batch at every n-th one.

    Args:
        model: A `MultiTaskModel`, compiled.
        every: The steps 0, n, 2n, ... over the life of the optimizer are recorded.

    Attributes:
        next_due: The next step to be recorded.
    """

    def __init__(self, model, every):
        self.model = model
        self.every = every
        self.next_due, num_tasks = 0, len(model.task_names)
        self._size = 1 + model.steps_per_execution // every  # of a ring, as it is read between executions only
        options = {"trainable": False, "aggregation": "only_first_replica"}
        with model.distribute_strategy.scope():
            self._step = keras.Variable(0, dtype="int64", name="probe_step", **options)
            zeros = tf.zeros([self._size, num_tasks, num_tasks])
            self._ring = keras.Variable(zeros, dtype="float32", name="probe_cosines", **options)
        self._measure = tf.function(self._measured)

    def start(self, num_steps):
        """Says how many steps were made before, when a training begins."""
        self._step.assign(num_steps)
        self.next_due = -(-num_steps // self.every) * self.every

    def __call__(self, batch):
        step = tf.convert_to_tensor(self._step)

        def record():
            slot = tf.math.floormod(tf.math.floordiv(step, self.every), self._size)
            matrix = cosines(self.model, batch)
            self._ring.assign(tf.tensor_scatter_nd_update(self._ring, [[slot]], [matrix]))
            return 0

        if self.every == 1:
            record()
        elif batch.replicas.num > 1:
            raise ValueError(
                "`every` must be 1 under a tf.distribute strategy with several replicas, which cannot sum inside a "
                f"condition. Received: every={self.every}. Or give the callback a batch of its own as `data`."
            )
        else:
            tf.cond(tf.equal(tf.math.floormod(step, self.every), 0), record, lambda: 0)
        with tf.control_dependencies(keras.tree.flatten(batch.x)):  # the end of a stream is no step
            self._step.assign(step + 1)

    def read(self):
        """Returns what was recorded since it was read last: a list of pairs of a step and an array [T, T]."""
        done = int(self._step.numpy())
        due = range(self.next_due, done, self.every)
        self.next_due += len(due) * self.every
        ring = self._ring.numpy() if due else None
        return [(step, ring[step // self.every % self._size]) for step in due[-self._size :]]

    def measure(self, data):
        """Returns the cosines on a batch `(x, y)` or `(x, y, sample_weight)` as an array [T, T]."""
        return self._measure(tuple(data)).numpy()

    def _measured(self, data):
        return cosines(self.model, Batch(self.model, data, OneReplica()))
