"""The engine on TensorFlow."""

from mtl_keras.engine.tensorflow.cosine_probe import CosineProbe
from mtl_keras.engine.tensorflow.full_batch import FullBatch
from mtl_keras.engine.tensorflow.train_step import TrainStep

__all__ = ["CosineProbe", "FullBatch", "TrainStep"]
