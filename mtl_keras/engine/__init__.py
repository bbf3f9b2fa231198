"""The engine: which variables the tasks share, and the training step."""

from mtl_keras.engine.features import find_features, is_cut
from mtl_keras.engine.graph import SHARED, Reach, find_inputs, find_tensor, layers_between, maker
from mtl_keras.engine.partition import Partition
from mtl_keras.engine.plan import Plan
from mtl_keras.engine.tensorflow import (
    FullBatch,
    MatrixProbe,
    TrainStep,
    Workers,
    affinities,
    can_repeat,
    clips,
    cosines,
)

__all__ = [
    "SHARED",
    "FullBatch",
    "MatrixProbe",
    "Partition",
    "Plan",
    "Reach",
    "TrainStep",
    "Workers",
    "affinities",
    "can_repeat",
    "clips",
    "cosines",
    "find_features",
    "find_inputs",
    "find_tensor",
    "is_cut",
    "layers_between",
    "maker",
]
