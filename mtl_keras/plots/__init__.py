"""Pictures of what training recorded, and of what comparisons found."""

from mtl_keras.plots.cost import cost
from mtl_keras.plots.gains import gains
from mtl_keras.plots.gradient_conflict import gradient_conflict
from mtl_keras.plots.history import history
from mtl_keras.plots.learning_curves import learning_curves
from mtl_keras.plots.pareto import pareto
from mtl_keras.plots.relatedness import relatedness
from mtl_keras.plots.sharing import sharing
from mtl_keras.plots.task_weights import task_weights

__all__ = [
    "cost",
    "gains",
    "gradient_conflict",
    "history",
    "learning_curves",
    "pareto",
    "relatedness",
    "sharing",
    "task_weights",
]
