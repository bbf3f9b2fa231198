"""Callbacks for training."""

from mtl_keras.callbacks.freeze import Freeze
from mtl_keras.callbacks.soft_sharing import SoftSharing

__all__ = ["Freeze", "SoftSharing"]
