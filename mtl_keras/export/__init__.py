"""Export of trained models."""

from mtl_keras.export.saved_model import saved_model

__all__ = ["saved_model"]
