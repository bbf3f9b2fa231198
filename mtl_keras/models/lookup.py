"""Turns Keras' identifiers into losses and metrics."""

from typing import Any

import keras

from mtl_keras.heads import Head
from mtl_keras.metrics._accuracy import accuracy
from mtl_keras.metrics._entry_mean import EntryMean

ONE_HOT = ("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge", "kl_divergence")
CLASSES = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")


class FunctionLoss(keras.losses.Loss):
    """Turns a function of (y_true, y_pred) that returns one value per sample into a loss."""

    def __init__(self, function, name):
        super().__init__(name=name)
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)


def as_loss(identifier: Any) -> keras.losses.Loss:
    """Returns the `keras.losses.Loss` for a Keras loss identifier."""
    loss = keras.losses.get(identifier)
    if isinstance(loss, keras.losses.Loss):
        return loss
    name = getattr(loss, "__name__", "loss")
    return FunctionLoss(loss, name=name if name.isidentifier() else "loss")  # Keras rejects the name of a lambda


def takes_one_hot(loss: keras.losses.Loss) -> bool | None:
    """Returns whether a loss takes one-hot labels (True) or class numbers (False); None if unknown."""
    for names, answer in ((ONE_HOT, True), (CLASSES, False)):
        if computes_any(loss, names):
            return answer
    return None


def computes_any(loss: keras.losses.Loss, names: tuple[str, ...]) -> bool:
    """Returns whether a loss computes one of the Keras functions with these names."""
    function = loss.function if isinstance(loss, FunctionLoss) else getattr(loss, "fn", None)
    return function is not None and function in [getattr(keras.losses, name, None) for name in names]


def as_metric(identifier: Any, head: Head | None) -> keras.metrics.Metric:
    """Returns the `keras.metrics.Metric` for a Keras metric identifier.

    Args:
        identifier: String, function or metric. `"accuracy"` is the accuracy among the head's own metrics. Without a
            head, or if the head has none, the shapes of labels and outputs decide which accuracy it is, as in Keras.
        head: The task's head, or None.
    """
    if identifier in ("accuracy", "acc"):
        own = [metric for metric in head.metrics() if metric.name == "accuracy"] if head else []
        metric = own[0] if own else EntryMean(accuracy, name="accuracy")
        metric.name = identifier
        return metric
    metric = keras.metrics.get(identifier)
    if isinstance(metric, keras.metrics.Metric):
        if isinstance(identifier, str):
            metric.name = identifier
        return metric
    name = identifier if isinstance(identifier, str) else getattr(metric, "__name__", "metric")
    return EntryMean(metric, name=name)
