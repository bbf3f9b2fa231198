"""The engine on TensorFlow."""

from mtl_keras.engine.tensorflow.affinities import affinities
from mtl_keras.engine.tensorflow.cosines import cosines
from mtl_keras.engine.tensorflow.full_batch import FullBatch
from mtl_keras.engine.tensorflow.matrix_probe import MatrixProbe
from mtl_keras.engine.tensorflow.train_step import TrainStep

__all__ = ["FullBatch", "MatrixProbe", "TrainStep", "affinities", "cosines"]
