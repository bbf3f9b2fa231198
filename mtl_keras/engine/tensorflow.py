"""The training step on TensorFlow: one forward pass, the gradients of the tasks, one update."""

import contextlib

import keras
import tensorflow as tf
from keras import ops


class TrainStep:
    """The `train_step` and `test_step` of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        objectives: `{task: Objective}`, each with `count`, `loss`, `update_state` and `loss_weight`.
        partition: The `Partition` of the trainable variables.
        penalties: `{name: Penalty}`, each with `value` and `mean`; added to the objective in training.
        labels(y, sample_weight): The labels and weights by task, checked.
    """

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            y, sample_weight = self.labels(y, sample_weight, y_pred)
            counts = self._counts(y, sample_weight)
            losses = self._task_losses(y, y_pred, sample_weight, counts, training=True)
            total = self._total(losses) + self._penalty()
            scaled = self.optimizer.scale_loss(total)
        gradients = tape.gradient(scaled, variables)
        with _unchanged_where_absent(self.partition.own, sample_weight, counts):
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self._track(x, y, y_pred, sample_weight, losses, counts, total)
        return self.get_metrics_result()

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        y, sample_weight = self.labels(y, sample_weight, y_pred)
        counts = self._counts(y, sample_weight)
        losses = self._task_losses(y, y_pred, sample_weight, counts, training=False)
        self._track(x, y, y_pred, sample_weight, losses, counts, self._total(losses))
        return {name: v for name, v in self.get_metrics_result().items() if name not in self.training_logs}

    def _counts(self, y, sample_weight):
        """Returns the number of labels that are there, by task, over all replicas."""
        counts = {task: o.count(y[task], sample_weight[task]) for task, o in self.objectives.items()}
        if _num_replicas() > 1:
            summed = tf.distribute.get_replica_context().all_reduce("SUM", tf.stack(list(counts.values())))
            counts = dict(zip(counts, tf.unstack(summed), strict=True))
        return counts

    def _task_losses(self, y, y_pred, sample_weight, counts, training):
        return {
            task: o.loss(y[task], y_pred[task], sample_weight[task], counts[task], _num_replicas(), training)
            for task, o in self.objectives.items()
        }

    def _total(self, losses):
        """Returns the weighted sum of the losses and the regularization of the layers."""
        total = sum(losses[task] * o.loss_weight for task, o in self.objectives.items())
        if self.losses:
            total += ops.sum([ops.sum(loss) for loss in self.losses]) / _num_replicas()
        return total

    def _penalty(self):
        total = 0.0
        for penalty in self.penalties.values():
            value = penalty.value()
            penalty.mean.update_state(value)
            total += value / _num_replicas()
        return total

    def _track(self, x, y, y_pred, sample_weight, losses, counts, total):
        replicas = _num_replicas()  # the losses of the replicas are summed, not averaged
        self.loss_mean.update_state(total * replicas, sample_weight=ops.shape(keras.tree.flatten(x)[0])[0])
        for task, o in self.objectives.items():
            o.update_state(y[task], y_pred[task], sample_weight[task], losses[task] * replicas, counts[task])


@contextlib.contextmanager
def _unchanged_where_absent(own, sample_weight, counts):
    """Undoes what happens inside to the own variables of tasks without any label in the batch.

    Their gradient is zero, but an optimizer with momentum or weight decay would move them all the same.
    """
    maybe_absent = [task for task, weight in sample_weight.items() if weight is not None]
    before = {task: [tf.identity(v.value) for v in own[task]] for task in maybe_absent}
    yield
    for task in maybe_absent:
        for variable, value in zip(own[task], before[task], strict=True):
            variable.assign(tf.where(counts[task] > 0, variable.value, value))


def _num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync
