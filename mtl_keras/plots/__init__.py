"""Pictures of what training recorded."""

from mtl_keras.plots.history import history

__all__ = ["history"]
