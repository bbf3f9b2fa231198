"""The loss and the metrics of one task, as set by `compile`."""

import keras
from keras import ops

from mtl_keras._weights import as_rank, there, times
from mtl_keras.engine.entries import Entries, EntriesOfBatch
from mtl_keras.engine.graph import mask_of


class Objective(keras.metrics.Metric):
    """The loss, its weights and the metrics of one task, and their running values.

    As a Keras metric it reports `{task}_loss`, the mean loss over all present labels so far, without `loss_weight`, and
    `{task}_{metric}` for every metric. All are NaN if no label was present.

    A label is missing if its sample weight is 0, or if the Keras mask of the output excludes its position. The loss of
    a batch is Σ wᵢ·lᵢ / n over its n other labels, and 0 if there are none; without weights and masks this equals
    Keras' mean. `metrics` count the n labels, each once; `weighted_metrics` use the weights. Labels that are outside
    `label_range` or not finite, and weights that are negative or not finite, are counted, for an error after the first
    batch. Until then such a label counts as the lowest one, and such a weight as 0.

    Args:
        name: Name of the task.
        loss: A `keras.losses.Loss` with one value per label, or one per batch (`is_of_batch`).
        loss_weight: Factor of the loss in the trained sum.
        metrics: List of `keras.metrics.Metric`s.
        weighted_metrics: List of `keras.metrics.Metric`s.
        class_weight: Function (labels, output) -> factors of the labels, for training only; or None.
        predictions: Function that turns the task's output into the input of the metrics; None for the output itself.
        label_range: The lowest and the highest valid label, or None.
        one_hot: Whether the loss takes one-hot labels (True) or class numbers (False); None if unknown.
    """

    def __init__(
        self,
        name,
        loss,
        loss_weight,
        metrics=(),
        weighted_metrics=(),
        class_weight=None,
        predictions=None,
        label_range=None,
        one_hot=None,
    ):
        super().__init__(name=name)
        self.loss_function = loss
        self.loss_weight = loss_weight
        self.loss_mean = keras.metrics.Mean(name="loss")
        self.task_metrics = list(metrics)
        self.weighted_metrics = list(weighted_metrics)
        self.predictions = predictions
        self.class_weight = class_weight
        self.label_range = label_range
        self.one_hot = one_hot
        self.skips_nonfinite = False  # whether the training step itself skips or raises if it is not finite
        self.num_wrong = self.add_variable((2,), "zeros", name="num_wrong")  # labels, weights

    def entries(self, y, y_pred, sample_weight, training):
        """Returns the losses of the single labels of a batch.

        Args:
            y: Labels.
            y_pred: The task's output.
            sample_weight: Weights of the labels, or None.
            training: Whether class weights apply.
        """
        weight = times(_cleaned(sample_weight), self._mask_as_weight(y_pred))
        fits = self._fits(y)
        if training and self.skips_nonfinite and self.label_range is None:
            fits = ops.logical_or(fits, _is_there(weight, fits))
        y = ops.where(fits, y, self._lowest(y))
        factor = self.class_weight(y, y_pred) if training and self.class_weight else None
        loss = self.loss_function
        if getattr(loss, "is_of_batch", False):
            return EntriesOfBatch(lambda w: loss(y, y_pred, w), ops.ones_like(y, "float32"), weight, factor)
        if weight is not None and hasattr(loss, "without_missing"):
            y = loss.without_missing(y, weight)
        if len(y.shape) + 1 == len(y_pred.shape) and y_pred.shape[-1] == 1:
            y = ops.expand_dims(y, -1)  # otherwise labels [B] minus an output [B, 1] would be [B, B]
        values = loss.call(ops.cast(y, loss.dtype), ops.cast(y_pred, loss.dtype))
        if len(values.shape) == 0:
            raise ValueError(
                f"The loss {loss.name!r} of the task {self.name!r} averages over the batch itself, so it includes "
                "missing labels and padding. Return one value per label: average over the last axis at most, as "
                "`ops.mean(..., axis=-1)` does."
            )
        of_values = mask_of(values)  # mask of the labels that the loss itself leaves out by `ignore_class`
        weight = times(weight, None if of_values is None else ops.cast(of_values, "float32"))
        rank = len(values.shape)
        factor = None if factor is None else as_rank(factor, rank)
        return Entries(values, self._fitted(weight, values), factor, loss.reduction)

    def mask(self, y_pred):
        """Returns which positions of an output are not padding, [B, ...] as booleans; None for all."""
        own = getattr(self.loss_function, "mask", None)
        return own(y_pred) if own else mask_of(y_pred)

    def _mask_as_weight(self, y_pred):
        mask = self.mask(y_pred)
        return None if mask is None else ops.cast(mask, "float32")

    def _fits(self, y):
        """Returns which labels are valid: in the range, or finite if there is no range. Booleans."""
        value = ops.cast(y, "float32")
        if self.label_range is None:
            return ops.isfinite(value)
        lowest, highest = self.label_range
        return ops.logical_and(value >= lowest, value <= highest)

    def _lowest(self, y):
        return ops.cast(self.label_range[0] if self.label_range else 0, ops.convert_to_tensor(y).dtype)

    def _fitted(self, weight, values):
        """Returns the weights with as many axes as the values of the loss.

        Raises a ValueError for weights, or a mask, of single entries if the loss has one value per row.
        """
        if weight is None:
            return None
        weight = as_rank(weight, len(values.shape))
        pairs = zip(weight.shape, values.shape, strict=False)
        if len(weight.shape) > len(values.shape) or any(None not in p and p[0] != p[1] and p[0] != 1 for p in pairs):
            raise ValueError(
                f"`sample_weight[{self.name!r}]`, or the Keras mask of the output, has shape {tuple(weight.shape)}, "
                f"and the loss {self.loss_function.name!r} gives values of shape {tuple(values.shape)}. Use weights of "
                "shape [batch], or a loss of single entries, such as mtl_keras.losses.ElementwiseBinaryCrossentropy()."
            )
        return weight

    def update_state(self, y, y_pred, sample_weight, mask, loss, size, done=None):
        """Counts a batch.

        Args:
            y, y_pred, sample_weight: As in `entries`.
            mask: What `mask` returned.
            loss: The loss of the batch.
            size: The divisor of the sum of the losses.
            done: Whether the step was made; if not, its predictions do not count in the metrics. None for True.
        """
        fits = self._fits(y)
        skipped = done is not None and self.label_range is None
        self._count_wrong(ops.ones_like(fits) if skipped else fits, sample_weight, mask)
        if done is not None:
            size, loss = ops.where(done, size, 0.0), ops.where(done, loss, 0.0)
        self.loss_mean.update_state(loss, sample_weight=size)
        if not self.task_metrics and not self.weighted_metrics:
            return
        axes = len(y_pred.shape) - 1  # number of axes of the positions of a sequence or map, after the batch
        y = ops.where(fits, y, self._lowest(y))
        weight = times(_cleaned(sample_weight), None if mask is None else ops.cast(mask, "float32"))
        if done is not None:
            y_pred = ops.where(done, y_pred, ops.zeros_like(y_pred))
            weight = ops.ones(ops.shape(y)[:1]) if weight is None else weight
            weight = weight * ops.cast(done, "float32")
        if self.predictions:
            y_pred = self.predictions(y_pred)
        for metrics, weights in ((self.task_metrics, there(weight)), (self.weighted_metrics, weight)):
            for metric in metrics:
                metric.update_state(*_as_it_takes(metric, y, y_pred, weights, axes))

    def _count_wrong(self, fits, sample_weight, mask):
        """Counts invalid labels, unless they are missing, and invalid weights."""
        wrong, wrong_weights = ops.logical_not(fits), 0.0
        weight = times(there(sample_weight), None if mask is None else ops.cast(mask, "float32"))
        wrong = ops.cast(ops.logical_and(wrong, _is_there(weight, wrong)), "float32")
        if sample_weight is not None:
            wrong_weights = ops.sum(ops.cast(ops.logical_not(_is_weight(sample_weight)), "float32"))
        self.num_wrong.assign_add(ops.stack([ops.sum(wrong), wrong_weights]))

    def reset_state(self):
        self.num_wrong.assign([0.0, 0.0])
        for metric in (self.loss_mean, *self.task_metrics, *self.weighted_metrics):
            metric.reset_state()

    def result(self):
        seen = self.loss_mean.count > 0
        metrics = (self.loss_mean, *self.task_metrics, *self.weighted_metrics)
        results = {f"{self.name}_{metric.name}": metric.result() for metric in metrics}
        return {name: ops.where(seen, result, float("nan")) for name, result in results.items()}


def _is_there(weight, like):
    """Returns which labels have a weight that is not 0, broadcast to the shape of the labels."""
    if weight is None:
        return ops.ones_like(like)
    weight = ops.not_equal(weight, 0)
    axes = tuple(range(len(like.shape), len(weight.shape)))
    return as_rank(ops.any(weight, axis=axes) if axes else weight, len(like.shape))


def _is_weight(sample_weight):
    return ops.logical_and(ops.isfinite(sample_weight), ops.convert_to_tensor(sample_weight) >= 0)


def _cleaned(sample_weight):
    """Returns weights as float32, with 0 for invalid ones; None for None."""
    if sample_weight is None:
        return None
    return ops.cast(ops.where(_is_weight(sample_weight), sample_weight, 0), "float32")


def _as_it_takes(metric, y, y_pred, weight, axes):
    """Returns labels, predictions and weights in the form that a metric takes.

    Keras' own metrics first average over the positions of a row, so that a label in a short row counts more. They
    therefore get each position as a row.

    Args:
        axes: Number of axes of the positions, including that of the batch.
    """
    is_of_keras = type(metric).__module__.startswith("keras.") and type(metric) is not keras.metrics.MeanMetricWrapper
    if axes < 2 or not is_of_keras or min(len(y.shape), len(y_pred.shape)) < axes:
        return y, y_pred, weight
    if weight is not None:
        weight = as_rank(weight, axes)
        weight = ops.broadcast_to(weight, (*ops.shape(y)[:axes], *ops.shape(weight)[axes:]))
    return tuple(tensor if tensor is None else _joined(tensor, axes) for tensor in (y, y_pred, weight))


def _joined(tensor, axes):
    """Returns a tensor with its first axes merged into one."""
    return ops.reshape(tensor, (-1, *ops.shape(tensor)[axes:]))
