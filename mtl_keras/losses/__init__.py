"""Losses that Keras lacks."""

from mtl_keras.losses.crf_likelihood import CRFLikelihood
from mtl_keras.losses.detection_loss import DetectionLoss
from mtl_keras.losses.elementwise_binary_crossentropy import ElementwiseBinaryCrossentropy
from mtl_keras.losses.elementwise_mean_squared_error import ElementwiseMeanSquaredError
from mtl_keras.losses.gaussian_likelihood import GaussianLikelihood
from mtl_keras.losses.ordinal_crossentropy import OrdinalCrossentropy
from mtl_keras.losses.pairwise_auc import PairwiseAUC
from mtl_keras.losses.pinball import Pinball
from mtl_keras.losses.soft_f1 import SoftF1

__all__ = [
    "CRFLikelihood",
    "DetectionLoss",
    "ElementwiseBinaryCrossentropy",
    "ElementwiseMeanSquaredError",
    "GaussianLikelihood",
    "OrdinalCrossentropy",
    "PairwiseAUC",
    "Pinball",
    "SoftF1",
]
