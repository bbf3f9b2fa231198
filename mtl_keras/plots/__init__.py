"""Pictures of what training recorded."""

from mtl_keras.plots.gradient_conflict import gradient_conflict
from mtl_keras.plots.history import history
from mtl_keras.plots.sharing import sharing
from mtl_keras.plots.task_weights import task_weights

__all__ = ["gradient_conflict", "history", "sharing", "task_weights"]
