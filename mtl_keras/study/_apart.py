"""Splits a model whose tasks share nothing into one model per task."""

from typing import Any

import keras

from mtl_keras.models import MultiTaskModel

_OF_WEIGHTINGS = ("weighting", "level", "every", "apply_to", "chunk_size")


def shares_nothing(model: MultiTaskModel) -> bool:
    """Returns whether a compiled model has several tasks that share no variables."""
    return len(model.task_names) > 1 and model.partition is not None and not model.partition.shared


def apart(model: MultiTaskModel) -> dict[str, MultiTaskModel]:
    """Returns `{task: model of this task alone}`, on the same layers, compiled like the whole model.

    The models share their layers with the whole model, which therefore learns with them. Each has its own optimizer,
    with the settings of the whole model's.

    Args:
        model: A compiled model whose tasks share nothing.
    """
    return {task: _alone(model, task) for task in model.task_names}


def _alone(model, task):
    own = MultiTaskModel(
        model.input,
        {task: model.output[task]},
        tasks=[known for known in model.tasks if known.name == task],
        tower_layers={task: model.tower_layers.get(task, [])},
        feature_layers={t: layer for t, layer in model.feature_layers.items() if t == task},
        name=f"{model.name}_{task}",
    )
    return compiled_like(own, model, [task])


def compiled_like(model: MultiTaskModel, other: MultiTaskModel, tasks: list[str]) -> MultiTaskModel:
    """Compiles a model with some of another model's tasks like that model, without its weighting; returns the model."""
    arguments = {name: v for name, v in other.compile_arguments.items() if name not in _OF_WEIGHTINGS}
    for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        if isinstance(arguments[name], dict):
            arguments[name] = {task: value for task, value in arguments[name].items() if task in tasks}
    optimizer = arguments.pop("optimizer")
    model.compile(_fresh(optimizer), **arguments)
    return model


def _fresh(optimizer: keras.optimizers.Optimizer) -> Any:
    return keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
