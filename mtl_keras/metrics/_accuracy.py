"""The accuracy that the shapes of labels and predictions call for."""

import keras

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
