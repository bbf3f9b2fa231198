"""Heads: the output layers of a task, with its default loss and metrics."""

from mtl_keras.heads._base import Head
from mtl_keras.heads.binary import Binary
from mtl_keras.heads.count import Count
from mtl_keras.heads.detection import Detection
from mtl_keras.heads.gaussian import Gaussian
from mtl_keras.heads.multiclass import Multiclass
from mtl_keras.heads.multilabel import Multilabel
from mtl_keras.heads.ordinal import Ordinal
from mtl_keras.heads.quantiles import Quantiles
from mtl_keras.heads.regression import Regression
from mtl_keras.heads.segmentation import Segmentation
from mtl_keras.heads.tagging import Tagging

__all__ = [
    "Binary",
    "Count",
    "Detection",
    "Gaussian",
    "Head",
    "Multiclass",
    "Multilabel",
    "Ordinal",
    "Quantiles",
    "Regression",
    "Segmentation",
    "Tagging",
]
