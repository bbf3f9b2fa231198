"""Metrics that Keras lacks."""

from mtl_keras.metrics.elementwise_binary_accuracy import ElementwiseBinaryAccuracy
from mtl_keras.metrics.elementwise_mean_absolute_error import ElementwiseMeanAbsoluteError

__all__ = ["ElementwiseBinaryAccuracy", "ElementwiseMeanAbsoluteError"]
