"""A batch in a training or test step: labels, losses, and what is logged of them."""

import keras
from keras import ops


class Batch:
    """The inputs and labels of a batch, checked, and the losses of a model on them.

    Args:
        model: A `MultiTaskModel`.
        data: What Keras hands to `train_step`.
        replicas: How many replicas there are (`num`) and how to sum over them (`sum`).
    """

    def __init__(self, model, data, replicas):
        self.model = model
        self.objectives = model.objectives
        self.replicas = replicas
        self.x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y, self.sample_weight = model.labels(y, sample_weight)
        self.y = {task: o.checked(y[task], self.sample_weight[task]) for task, o in self.objectives.items()}
        self.counts = self._count(self.sample_weight)

    def _count(self, sample_weight):
        """Returns the number of labels that are there, by task, over all replicas."""
        counts = [o.count(self.y[task], sample_weight[task]) for task, o in self.objectives.items()]
        if self.replicas.num > 1:
            counts = ops.unstack(self.replicas.sum(ops.stack(counts)))
        return dict(zip(self.objectives, counts, strict=True))

    @property
    def present(self):
        """Whether a task has any label in the batch. [T], 0 or 1"""
        return ops.stack([ops.cast(count > 0, "float32") for count in self.counts.values()])

    def losses(self, y_pred, training):
        """Returns the losses of the tasks, a list; over replicas they sum up to the losses of the whole batch."""
        return self._losses(y_pred, training, self.sample_weight, self.counts)

    def losses_of_halves(self, y_pred):
        """Returns the losses on the two halves of the batch, and the shares of their labels.

        The halves are the rows at even and at odd places, so that it does not matter which replica a row is on. They
        are made by weights, which leaves the outputs untouched.

        Returns:
            Two pairs of a list of T losses and a list of T shares, which for each task sum up to 1.
        """
        rows = ops.shape(keras.tree.flatten(self.x)[0])[0]
        odd = ops.cast(ops.arange(rows) % 2, "float32")  # [B]
        halves = []
        for half in (1.0 - odd, odd):
            weights = {task: _times(weight, half) for task, weight in self.sample_weight.items()}
            counts = self._count(weights)
            shares = [counts[task] / ops.maximum(self.counts[task], 1.0) for task in counts]
            halves.append((self._losses(y_pred, True, weights, counts), shares))
        return halves

    def _losses(self, y_pred, training, sample_weight, counts):
        return [
            o.loss(self.y[task], y_pred[task], sample_weight[task], counts[task], self.replicas.num, training)
            for task, o in self.objectives.items()
        ]

    def weighted(self, losses):
        """Returns the losses times their `loss_weight`, a list."""
        return [loss * o.loss_weight for loss, o in zip(losses, self.objectives.values(), strict=True)]

    def regularization(self):
        """Returns the sum of the losses of the layers; 0.0 without any."""
        losses = self.model.losses
        return ops.sum([ops.sum(loss) for loss in losses]) / self.replicas.num if losses else 0.0

    def penalty(self):
        """Returns the sum of the penalties, which it logs; 0.0 without any."""
        total = 0.0
        for penalty in self.model.penalties.values():
            value = penalty.value()
            penalty.mean.update_state(value)
            total += value / self.replicas.num
        return total

    def track(self, y_pred, losses, total):
        """Adds the batch to what is logged."""
        rows = ops.shape(keras.tree.flatten(self.x)[0])[0]
        self.model.loss_mean.update_state(total * self.replicas.num, sample_weight=rows)
        for (task, o), loss in zip(self.objectives.items(), losses, strict=True):
            loss = loss * self.replicas.num  # the losses of the replicas are summed, not averaged
            o.update_state(self.y[task], y_pred[task], self.sample_weight[task], loss, self.counts[task])


def _times(weight, half):
    """Returns sample weights times a factor a row."""
    if weight is None:
        return half
    return weight * ops.reshape(half, (-1,) + (1,) * (len(weight.shape) - 1))
