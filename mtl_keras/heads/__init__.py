"""Heads: the output layers of a task, with its default loss and metrics."""

from mtl_keras.heads._base import Head
from mtl_keras.heads.binary import Binary
from mtl_keras.heads.multiclass import Multiclass
from mtl_keras.heads.multilabel import Multilabel
from mtl_keras.heads.regression import Regression
from mtl_keras.heads.tagging import Tagging

__all__ = ["Binary", "Head", "Multiclass", "Multilabel", "Regression", "Tagging"]
