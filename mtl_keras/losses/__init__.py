"""Losses that Keras lacks."""

from mtl_keras.losses.crf_likelihood import CRFLikelihood
from mtl_keras.losses.elementwise_binary_crossentropy import ElementwiseBinaryCrossentropy
from mtl_keras.losses.elementwise_mean_squared_error import ElementwiseMeanSquaredError

__all__ = ["CRFLikelihood", "ElementwiseBinaryCrossentropy", "ElementwiseMeanSquaredError"]
