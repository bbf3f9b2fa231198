"""The loss of a model over a whole data set, and its gradient."""

import numpy as np
import tensorflow as tf

from mtl_keras.engine.batch import Batch
from mtl_keras.engine.tensorflow.replicas import OneReplica


class FullBatch:
    """The mean loss of a model with one task over data, and its gradient with respect to all trained variables.

    Args:
        model: A compiled `MultiTaskModel` with one task.
        batches: List of `(x, {task: y}, {task: sample_weight})`, in memory.
    """

    def __init__(self, model, batches):
        self.model = model
        self.batches = batches
        self.variables = model.trainable_variables
        self.size = 1.0  # divisor of the sum of the losses
        self._of_batch = tf.function(self._sum, reduce_retracing=True)

    def point(self):
        """Returns the values of the variables. [P]"""
        return np.concatenate([np.ravel(v.numpy()) for v in self.variables]).astype("float64")

    def move(self, point):
        """Sets the variables to values. [P]"""
        sizes = np.cumsum([int(np.prod(v.shape)) for v in self.variables])
        for v, values in zip(self.variables, np.split(point, sizes[:-1]), strict=True):
            v.assign(values.reshape(v.shape).astype("float32"))

    def value_and_gradient(self, point):
        """Returns the mean loss at a point, and the gradient. [P]"""
        self.move(point)
        total, count, gradient = 0.0, 0.0, 0.0
        for batch in self.batches:
            value, size, of_batch = self._of_batch(batch)
            total, count = total + float(value), count + float(size)
            gradient = gradient + np.concatenate([np.ravel(g.numpy()) for g in of_batch]).astype("float64")
        self.size = max(count, 1e-9)
        return total / self.size, gradient / self.size

    def _sum(self, data):
        """Returns the sum of the losses of a batch, its divisor, and the gradient of the sum."""
        batch = Batch(self.model, data, OneReplica())
        with tf.GradientTape() as tape:
            losses = batch.losses(self.model(batch.x, training=False), training=True)
            value = losses.losses[0] * losses.sizes[0]
        gradients = tape.gradient(value, self.variables, unconnected_gradients="zero")
        return value, losses.sizes[0], [tf.convert_to_tensor(g) for g in gradients]
