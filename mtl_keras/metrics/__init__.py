"""Metrics that Keras lacks."""

from mtl_keras.metrics.delta_m import delta_m
from mtl_keras.metrics.elementwise_binary_accuracy import ElementwiseBinaryAccuracy
from mtl_keras.metrics.elementwise_mean_absolute_error import ElementwiseMeanAbsoluteError
from mtl_keras.metrics.joint_accuracy import joint_accuracy
from mtl_keras.metrics.macro_f1 import MacroF1
from mtl_keras.metrics.mean_average_precision import MeanAveragePrecision, mean_average_precision
from mtl_keras.metrics.roc_auc import ROCAUC
from mtl_keras.metrics.sentence_accuracy import SentenceAccuracy
from mtl_keras.metrics.span_f1 import SpanF1

__all__ = [
    "ROCAUC",
    "ElementwiseBinaryAccuracy",
    "ElementwiseMeanAbsoluteError",
    "MacroF1",
    "MeanAveragePrecision",
    "SentenceAccuracy",
    "SpanF1",
    "delta_m",
    "joint_accuracy",
    "mean_average_precision",
]
