"""Several trained models as one `MultiTaskModel`, which predicts, evaluates, saves and exports."""

from mtl_keras.ensembles.average import average
from mtl_keras.ensembles.average_weights import average_weights
from mtl_keras.ensembles.bag import bag
from mtl_keras.ensembles.boost import boost
from mtl_keras.ensembles.snapshot import snapshot
from mtl_keras.ensembles.specialists import specialists
from mtl_keras.ensembles.stack import stack
from mtl_keras.ensembles.vote import vote

__all__ = ["average", "average_weights", "bag", "boost", "snapshot", "specialists", "stack", "vote"]
