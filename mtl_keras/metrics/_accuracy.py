"""Accuracies that depend on the shapes of labels and predictions."""

import keras
from keras import ops

from mtl_keras._types import Tensor


def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Returns 1.0 for each right prediction and 0.0 for each wrong one, [batch, ...].

    As in Keras: for one unit it is the binary accuracy at the threshold 0.5; for several units the labels are class
    numbers if their shape lacks the last axis, or has 1 there, and one-hot rows otherwise.
    """
    if y_pred.shape[-1] == 1:
        return keras.metrics.binary_accuracy(y_true, y_pred)
    if len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1:
        return keras.metrics.sparse_categorical_accuracy(y_true, y_pred)
    return keras.metrics.categorical_accuracy(y_true, y_pred)


def accuracy_of_classes(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Returns 1.0 for each class that is predicted correctly, else 0.0, [batch, ...].

    Args:
        y_true: Class numbers [batch, ...] or [batch, ..., 1], or one-hot rows [batch, ..., classes].
        y_pred: Class numbers as integers [batch, ...], or scores [batch, ..., classes].
    """
    if "float" in keras.backend.standardize_dtype(y_pred.dtype):
        y_pred = ops.argmax(y_pred, axis=-1)
    if len(y_true.shape) > len(y_pred.shape):
        y_true = ops.squeeze(y_true, axis=-1) if y_true.shape[-1] == 1 else ops.argmax(y_true, axis=-1)
    return ops.cast(ops.equal(ops.cast(y_true, "int32"), ops.cast(y_pred, "int32")), "float32")
