"""A batch in a training or test step: its labels, losses and logs."""

from typing import NamedTuple

import keras
from keras import ops

from mtl_keras._types import Tensor


class BatchLosses(NamedTuple):
    """The losses on the outputs of a forward pass. A tuple, so that both branches of a condition can return one."""

    y_pred: dict[str, Tensor]
    losses: list[Tensor]  # of the tasks; their sums over the replicas are the losses of the whole batch
    counts: Tensor  # [T] how many labels are there, over all replicas
    sizes: Tensor  # [T] what the sums of the losses were divided by, likewise
    masks: dict[str, Tensor]  # of the outputs with a mask; in a condition, tensors lose their Keras masks


class Batch:
    """The inputs and labels of a batch, checked, and the losses of a model on them.

    Args:
        model: A `MultiTaskModel`.
        data: The argument of Keras' `train_step`.
        replicas: The number of replicas (`num`), the sum over them (`sum`), and the batch of a replica without rows
            (`never_empty`).
    """

    def __init__(self, model, data, replicas):
        self.model = model
        self.objectives = model.objectives
        self.replicas = replicas
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y, sample_weight = model.labels(y, sample_weight)
        self.x, self.y, self.sample_weight = replicas.never_empty(x, y, sample_weight)

    def entries(self, y_pred, training):
        """Returns the losses of the single labels by task, a list of `Entries`."""
        return [
            o.entries(self.y[task], y_pred[task], self.sample_weight[task], training)
            for task, o in self.objectives.items()
        ]

    def reduced(self, y_pred, entries):
        """Returns the losses of the tasks on outputs, from the `entries` of the same outputs."""
        counts, sizes = self._sums(entries)
        losses = [of_task.loss(size) for of_task, size in zip(entries, ops.unstack(sizes), strict=True)]
        masks = {task: o.mask(y_pred[task]) for task, o in self.objectives.items()}
        return BatchLosses(y_pred, losses, counts, sizes, {task: m for task, m in masks.items() if m is not None})

    def losses(self, y_pred, training):
        """Returns the losses of the tasks on outputs, as `BatchLosses`."""
        return self.reduced(y_pred, self.entries(y_pred, training))

    def losses_of_halves(self, entries, counts):
        """Returns the losses on the two halves of the batch, and the shares of their labels.

        The halves are the rows at even and at odd positions, so it does not matter which replica a row is on. They are
        selected by weights, so the outputs stay unchanged.

        Args:
            entries: The `entries` of the whole batch.
            counts: Number of present labels. [T]

        Returns:
            Two pairs of a list of T losses and shares [T]; the two shares of a task sum up to 1.
        """
        odd = ops.cast(ops.arange(self.num_rows) % 2, "float32")  # [B]
        halves = []
        for half in (1.0 - odd, odd):
            of_half = [of_task.of_rows(half) for of_task in entries]
            found, sizes = self._sums(of_half)
            losses = [of_task.loss(size) for of_task, size in zip(of_half, ops.unstack(sizes), strict=True)]
            halves.append((losses, found / ops.maximum(counts, 1.0)))
        return halves

    def _sums(self, entries):
        """Returns the number of present labels and the divisor of their losses, over all replicas. [T] each"""
        counts = [e.num_there() for e in entries]
        if not any(e.is_by_weight for e in entries):
            counts = self.replicas.sum(ops.stack(counts))
            return counts, counts
        sums = ops.stack([*counts, *(e.size() for e in entries)])
        return ops.split(self.replicas.sum(sums), 2)

    @property
    def num_rows(self):
        """The number of rows, on one replica."""
        return ops.shape(keras.tree.flatten(self.x)[0])[0]

    def weighted(self, losses):
        """Returns the losses times their `loss_weight`, a list; a constant for weight 0, even if the loss is NaN."""
        pairs = zip(losses, self.objectives.values(), strict=True)
        return [loss * o.loss_weight if o.loss_weight else ops.zeros_like(loss) for loss, o in pairs]

    @property
    def variables_of_weight_0(self):
        """The variables that tasks with weight 0 reach."""
        reached = self.model.partition.reached
        return [v for task, o in self.objectives.items() if not o.loss_weight for v in reached[task]]

    def regularization(self):
        """Returns the sum of the losses of the layers; 0.0 if there are none."""
        losses = self.model.losses
        return ops.sum([ops.sum(loss) for loss in losses]) / self.replicas.num if losses else 0.0

    def penalty(self):
        """Logs the penalties, and returns their sum; 0.0 if there are none."""
        total = 0.0
        for penalty in self.model.penalties.values():
            value = penalty.value()
            penalty.mean.update_state(value)
            total += value / self.replicas.num
        return total

    def track(self, batch_losses, extra, done=None):
        """Adds the batch to the logs.

        Args:
            batch_losses: The losses, as `BatchLosses`.
            extra: Terms that were added to them.
            done: Whether the step was made; a skipped step is in none of the means. None for True.
        """
        num = self.replicas.num  # the losses of the replicas are summed, not averaged
        rows = ops.cast(self.num_rows, "float32")
        if done is not None:
            extra, rows = ops.where(done, extra, 0.0), ops.where(done, rows, 0.0)
        self.model.total.update_state(extra * num, sample_weight=rows)
        sizes = ops.unstack(batch_losses.sizes)
        for (task, o), loss, size in zip(self.objectives.items(), batch_losses.losses, sizes, strict=True):
            labels = (self.y[task], batch_losses.y_pred[task], self.sample_weight[task], batch_losses.masks.get(task))
            o.update_state(*labels, loss * num, size, done)
