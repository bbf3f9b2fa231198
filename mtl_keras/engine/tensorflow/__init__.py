"""The engine on TensorFlow."""

from mtl_keras.engine.tensorflow.affinities import affinities
from mtl_keras.engine.tensorflow.cosines import cosines
from mtl_keras.engine.tensorflow.matrix_probe import MatrixProbe
from mtl_keras.engine.tensorflow.train_step import TrainStep

__all__ = ["MatrixProbe", "TrainStep", "affinities", "cosines"]
