"""Several trained models as one `MultiTaskModel`, which predicts, evaluates, saves and exports."""

from mtl_keras.ensembles.average import average
from mtl_keras.ensembles.specialists import specialists
from mtl_keras.ensembles.stack import stack
from mtl_keras.ensembles.vote import vote

__all__ = ["average", "specialists", "stack", "vote"]
