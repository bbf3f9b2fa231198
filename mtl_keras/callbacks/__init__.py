"""Callbacks for training."""

from mtl_keras.callbacks.affinity import Affinity
from mtl_keras.callbacks.backup import Backup
from mtl_keras.callbacks.freeze import Freeze
from mtl_keras.callbacks.gradient_conflict import GradientConflict
from mtl_keras.callbacks.log_task_weights import LogTaskWeights
from mtl_keras.callbacks.mean_gain import MeanGain
from mtl_keras.callbacks.soft_sharing import SoftSharing

__all__ = ["Affinity", "Backup", "Freeze", "GradientConflict", "LogTaskWeights", "MeanGain", "SoftSharing"]
