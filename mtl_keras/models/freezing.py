"""Freezes parts of a model: the shared part, the own part of a task, or a stage of the tower."""

import contextlib
import re

import keras

from mtl_keras.engine import SHARED, Reach
from mtl_keras.engine.graph import with_inner


def check_part(model, part):
    """Raises a ValueError if a model with outputs by task name lacks the part, or the part has nothing to train."""
    known = [SHARED, *model.output]
    if part not in known and not _layers_of_stage(model, part):
        raise ValueError(f"`part` must be one of {known}, or a stage of the tower. Received: part={part!r}.")
    if not any(layer.trainable_variables for layer in _by_position(model, part).values()):
        raise ValueError(
            f"The part {part!r} of the model has no trainable variables. "
            + ("The tasks share none." if part == SHARED else "All variables of the task are shared or frozen.")
        )


def freeze(model, part):
    """Sets the layers of a part untrainable, and returns the positions of those that were trainable.

    Args:
        model: A functional `keras.Model` whose outputs are a dict by task name.
        part: `"shared"`, the name of a task, or the name of a stage, for all its copies.
    """
    trainable = [position for position, layer in _by_position(model, part).items() if layer.trainable]
    thaw(model, part, [])
    return trainable


def overlap(model, part, trainable, other):
    """Returns which of the trainable positions of a part also belong to another part."""
    return [position for position in trainable if position in _by_position(model, other)]


def thaw(model, part, trainable):
    """Sets the layers of a part trainable if they were so before, given by their positions, and the others not."""
    for position, layer in _by_position(model, part).items():  # outer layers first: they also set their inner ones
        layer.trainable = position in trainable


@contextlib.contextmanager
def lifted(model, frozen):
    """Within this context, nothing is frozen.

    Args:
        model: The model.
        frozen: `{part: what freeze returned}`.
    """
    for part, trainable in frozen.items():
        thaw(model, part, trainable)
    try:
        yield
    finally:
        for part in frozen:
            thaw(model, part, [])


def check_optimizer(optimizer):
    """Raises a ValueError for an optimizer that cannot leave some of its variables unchanged."""
    inner = [optimizer, getattr(optimizer, "inner_optimizer", None)]
    if type(optimizer) is getattr(keras.optimizers, "MultiOptimizer", None):
        raise ValueError(
            "A `keras.optimizers.MultiOptimizer` needs a gradient of every variable, and frozen ones have none. "
            "Use `mtl_keras.optimizers.by_part`."
        )
    inner += getattr(optimizer, "optimizers", [])
    if any(getattr(o, "use_ema", False) for o in inner):
        raise ValueError("`use_ema=True` averages all variables of an optimizer, frozen or not. Freeze without it.")


def _by_position(model, part):
    """Returns `{position: layer}` of a part's layers and their inner layers, which come after them."""
    is_stage = part != SHARED and part not in model.output
    layers = _layers_of_stage(model, part) if is_stage else Reach(model).layers_of(part)
    mine = {id(layer) for layer in with_inner(layers)}
    return {
        position: layer
        for position, layer in enumerate(with_inner(model.layers))
        if id(layer) in mine and not isinstance(layer, keras.layers.InputLayer)
    }


def _layers_of_stage(model, stage):
    """Returns the layers of all copies of a stage: the layers of the towers whose names contain that of the stage."""
    if not isinstance(stage, str):
        return []
    in_towers = {name for tower in model.tower_layers.values() for name in tower}
    named = re.compile(rf"(^|_){re.escape(stage)}(_|$)")
    return [layer for layer in model.layers if layer.name in in_towers and named.search(layer.name)]
