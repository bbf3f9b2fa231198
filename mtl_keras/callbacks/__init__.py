"""Callbacks for training."""

from mtl_keras.callbacks.soft_sharing import SoftSharing

__all__ = ["SoftSharing"]
