"""The engine on TensorFlow."""

from mtl_keras.engine.tensorflow.affinities import affinities
from mtl_keras.engine.tensorflow.clipping import clips
from mtl_keras.engine.tensorflow.cosines import cosines
from mtl_keras.engine.tensorflow.full_batch import FullBatch
from mtl_keras.engine.tensorflow.matrix_probe import MatrixProbe
from mtl_keras.engine.tensorflow.replicas import can_repeat
from mtl_keras.engine.tensorflow.train_step import TrainStep
from mtl_keras.engine.tensorflow.workers import Workers

__all__ = ["FullBatch", "MatrixProbe", "TrainStep", "Workers", "affinities", "can_repeat", "clips", "cosines"]
