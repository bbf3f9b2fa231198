"""What one task is trained and judged by, as `compile` resolved it."""

import keras
from keras import ops


class Objective(keras.metrics.Metric):
    """The loss, its weights and the metrics of one task, and their running values.

    As a Keras metric it reports `{task}_loss`, the mean loss over all labels seen that were there, without
    `loss_weight`, and `{task}_{metric}` for every metric.

    Missing labels have sample weight 0. The loss of a batch is Σ wᵢ·lᵢ / n over its n labels whose weight is
    not 0, and 0 if there are none; with no zero weight this is Keras' own mean. `metrics` count the n labels,
    each once; `weighted_metrics` use the weights themselves. Labels outside `label_range` are counted, for an error
    after the first batch, and taken as its lower end.

    Args:
        name: Name of the task.
        loss: A `keras.losses.Loss`.
        loss_weight: Factor of the loss in the trained sum.
        metrics: List of `keras.metrics.Metric`s.
        weighted_metrics: List of `keras.metrics.Metric`s.
        class_weight: `{class: factor}` or None, for training only.
        num_classes: Number of classes, where there is a `class_weight`.
        predictions: Function that turns the task's output into what the metrics get; None for the output itself.
        label_range: The lowest and the highest label that there can be, or None.
    """

    def __init__(
        self,
        name,
        loss,
        loss_weight,
        metrics=(),
        weighted_metrics=(),
        class_weight=None,
        num_classes=None,
        predictions=None,
        label_range=None,
    ):
        super().__init__(name=name)
        self.loss_function = loss
        self.loss_weight = loss_weight
        self.loss_mean = keras.metrics.Mean(name="loss")
        self.task_metrics = list(metrics)
        self.weighted_metrics = list(weighted_metrics)
        self.predictions = predictions
        self.class_weight = class_weight and [class_weight.get(label, 1.0) for label in range(num_classes)]
        self.label_range = label_range
        self.num_wrong = self.add_variable((), "zeros", name="num_wrong")

    def checked(self, y, sample_weight):
        """Returns the labels of a batch with the lowest in place of any that is out of range, which it counts."""
        if self.label_range is None:
            return y
        lowest, highest = self.label_range
        value = ops.cast(y, "float32")
        fits = ops.logical_and(value >= lowest, value <= highest)
        wrong = ops.logical_not(fits)
        if sample_weight is not None:
            there = ops.not_equal(sample_weight, 0)
            there = ops.any(there, axis=tuple(range(len(wrong.shape), len(there.shape))))
            wrong = ops.logical_and(wrong, _spread(there, len(wrong.shape)))
        self.num_wrong.assign_add(ops.sum(ops.cast(wrong, "float32")))
        return ops.where(fits, y, ops.cast(lowest, ops.convert_to_tensor(y).dtype))

    def count(self, y, sample_weight):
        """Returns how many labels of a batch are there. Float scalar."""
        if sample_weight is None:
            return ops.cast(ops.shape(y)[0], "float32")
        return ops.cast(ops.count_nonzero(sample_weight), "float32")

    def loss(self, y, y_pred, sample_weight, count, num_replicas=1, training=True):
        """Returns the mean loss of a batch over the labels that are there.

        Args:
            y: Labels.
            y_pred: The task's output.
            sample_weight: Weights of the labels, or None.
            count: Number of labels that are there, over all replicas.
            num_replicas: Number of replicas, whose losses are summed.
            training: Whether class weights apply.
        """
        weight = sample_weight
        of_batch = getattr(self.loss_function, "is_of_batch", False)
        if sample_weight is not None and not of_batch:
            weight = self._fitted(y, y_pred, sample_weight)
        if training and self.class_weight is not None:
            label = ops.squeeze(y, axis=-1) if len(y.shape) == len(y_pred.shape) else y
            class_weight = ops.take(ops.convert_to_tensor(self.class_weight, "float32"), ops.cast(label, "int32"))
            if weight is not None and len(weight.shape) > len(label.shape):
                weight = ops.squeeze(weight, axis=-1)
            weight = class_weight if weight is None else _spread(weight, len(label.shape)) * class_weight
        value = self.loss_function(y, y_pred, weight)
        if of_batch:
            return value if num_replicas == 1 else value * self.count(y, sample_weight) / ops.maximum(count, 1.0)
        if sample_weight is not None and self.loss_function.reduction in ("sum_over_batch_size", "mean"):
            # Keras divides by the number of weights, zero or not.
            size = ops.cast(ops.size(sample_weight), "float32") * num_replicas
            value = value * (size / ops.maximum(count, 1.0))
        return value

    def _fitted(self, y, y_pred, sample_weight):
        """Returns the weights in a shape that Keras' losses take as it is meant.

        Raises a ValueError for weights of single entries where the loss has one value a row.
        """
        by_row = len(sample_weight.shape) < 2 or sample_weight.shape[-1] == 1
        if by_row and (len(y_pred.shape) < 3 or len(sample_weight.shape) == len(y_pred.shape)):
            return sample_weight
        values = self.loss_function.call(ops.cast(y, y_pred.dtype), y_pred)  # for its shape alone
        if by_row:  # Keras would spread weights [B] along the last axis of values [B, L]
            return _spread(sample_weight, len(values.shape))
        if len(values.shape) < len(sample_weight.shape):
            raise ValueError(
                f"`sample_weight[{self.name!r}]` has shape {tuple(sample_weight.shape)}, and the loss "
                f"{self.loss_function.name!r} gives one value a row. Use weights of shape [batch], or a loss of "
                "single entries, such as mtl_keras.losses.ElementwiseBinaryCrossentropy()."
            )
        return sample_weight

    def update_state(self, y, y_pred, sample_weight, loss, count):
        """Counts a batch; arguments as in `loss`, whose value on one replica is `loss`."""
        self.loss_mean.update_state(loss, sample_weight=count)
        present = None if sample_weight is None else ops.cast(ops.not_equal(sample_weight, 0), "float32")
        if self.predictions and (self.task_metrics or self.weighted_metrics):
            y_pred = self.predictions(y_pred)
        for metric in self.task_metrics:
            metric.update_state(y, y_pred, sample_weight=present)
        for metric in self.weighted_metrics:
            metric.update_state(y, y_pred, sample_weight=sample_weight)

    def reset_state(self):
        self.num_wrong.assign(0.0)
        for metric in (self.loss_mean, *self.task_metrics, *self.weighted_metrics):
            metric.reset_state()

    def result(self):
        metrics = (self.loss_mean, *self.task_metrics, *self.weighted_metrics)
        return {f"{self.name}_{metric.name}": metric.result() for metric in metrics}


def _spread(weight, rank):
    """Returns weights [B, ...] with axes of size 1 at the end, to have as many axes as asked for, or more."""
    return ops.reshape(weight, (*ops.shape(weight), *(1,) * (rank - len(weight.shape))))
