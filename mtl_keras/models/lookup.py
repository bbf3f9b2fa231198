"""The losses and metrics that Keras' identifiers name."""

from typing import Any

import keras
from keras import ops

from mtl_keras.heads import Head
from mtl_keras.metrics._accuracy import accuracy


class FunctionLoss(keras.losses.Loss):
    """A function of (y_true, y_pred) that returns one value per sample, as a loss."""

    def __init__(self, function, name):
        super().__init__(name=name)
        self.function = function

    def call(self, y_true, y_pred):
        if len(y_true.shape) + 1 == len(y_pred.shape) and y_pred.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, -1)  # labels [batch] for an output [batch, 1]
        return self.function(y_true, y_pred)


def as_loss(identifier: Any) -> keras.losses.Loss:
    """Returns the `keras.losses.Loss` that a Keras loss identifier names."""
    loss = keras.losses.get(identifier)
    if isinstance(loss, keras.losses.Loss):
        return loss
    name = getattr(loss, "__name__", "loss")
    return FunctionLoss(loss, name=name if name.isidentifier() else "loss")  # a lambda's name is no name for Keras


def as_metric(identifier: Any, head: Head | None) -> keras.metrics.Metric:
    """Returns the `keras.metrics.Metric` that a Keras metric identifier names.

    Args:
        identifier: String, function or metric. `"accuracy"` is the accuracy among the head's own metrics; without a
            head, or one that has none, the one that the shapes of labels and outputs call for, as in Keras.
        head: The task's head, or None.
    """
    if identifier in ("accuracy", "acc"):
        own = [metric for metric in head.metrics() if metric.name == "accuracy"] if head else []
        metric = own[0] if own else keras.metrics.MeanMetricWrapper(accuracy, name="accuracy")
        metric.name = identifier
        return metric
    metric = keras.metrics.get(identifier)
    if isinstance(metric, keras.metrics.Metric):
        if isinstance(identifier, str):
            metric.name = identifier
        return metric
    name = identifier if isinstance(identifier, str) else getattr(metric, "__name__", "metric")
    return keras.metrics.MeanMetricWrapper(metric, name=name)
