"""Keeps the own part of a task unchanged in batches without its labels."""

import contextlib

import tensorflow as tf


class OwnParts:
    """The values that the own variables of possibly absent tasks have before the forward pass of a batch.

    A task without any label in the batch has a gradient of zero. But an optimizer with momentum or weight decay would
    still change its variables, and the forward pass the averages of its batch normalization.

    Args:
        model: A `MultiTaskModel`.
        batch: The `Batch`, before the model is called on it.
    """

    def __init__(self, model, batch):
        self.optimizer = model.optimizer
        self.replicas = batch.replicas
        self.tasks = list(batch.objectives)  # the order of the counts
        self.seen = model.labels_since_update  # None unless gradients are accumulated over several batches
        maybe_absent = [task for task, weight in batch.sample_weight.items() if weight is not None]
        self.trained = {task: _now(model.partition.own[task]) for task in maybe_absent}
        self.state = {task: _now(model.partition.own_state[task]) for task in maybe_absent}

    @contextlib.contextmanager
    def unchanged_where_absent(self, counts):
        """Undoes all changes of the variables, including the update in this context, for tasks without labels.

        If an optimizer accumulates gradients, its update is undone for tasks without labels since its last update.

        Args:
            counts: Number of present labels. [T]
        """
        present = counts > 0
        if self.seen is None:
            yield
            self._undo(self.trained, present)
        else:
            seen = tf.logical_or(present, self.seen > 0)
            before = tf.stack([self._iterations(task) for task in self.tasks])
            yield
            self._undo(self.trained, seen)
            updated = tf.stack([self._iterations(task) for task in self.tasks]) > before
            self.seen.assign(tf.where(updated, 0.0, tf.cast(seen, tf.float32)))
        self._undo(self.state, present)

    def _undo(self, before, keep):
        """Restores the earlier values of the variables, for the tasks whose changes are not kept."""
        keep = dict(zip(self.tasks, tf.unstack(keep), strict=True))
        triples = [(v, old, keep[task]) for task, pairs in before.items() for v, old in pairs]
        after = [tf.where(kept, v.value, old) for v, old, kept in triples]
        self.replicas.assign([v for v, _, _ in triples], after)

    def _iterations(self, task):
        """Returns how many updates the optimizer of a task's own variables has made."""
        optimizer = getattr(self.optimizer, "inner_optimizer", None) or self.optimizer
        own = self.trained.get(task)
        if own and hasattr(optimizer, "optimizer_map"):  # an optimizer for each part
            optimizer = optimizer.optimizer_map(own[0][0])
        return tf.cast(tf.convert_to_tensor(optimizer.iterations), tf.int64)


def _now(variables):
    """Returns pairs of a variable and its value."""
    return [(v, tf.identity(v.value)) for v in variables]
