"""Multi-task learning for Keras: one input, a shared tower, named outputs."""

import mtl_keras._backend  # first, because the other imports fail on another backend
from mtl_keras import (
    callbacks,
    data,
    ensembles,
    export,
    heads,
    layers,
    losses,
    metrics,
    optimizers,
    plots,
    relatedness,
    sharing,
    study,
    towers,
    weightings,
)
from mtl_keras._version import __version__
from mtl_keras.models import MultiTaskModel, build_model
from mtl_keras.task import Task

__all__ = ["MultiTaskModel", "Task", "build_model"]
