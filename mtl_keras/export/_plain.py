"""The part of a model that computes some tasks, as a plain Keras model."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from mtl_keras._arguments import error
from mtl_keras.engine import find_inputs


def check_model(model: Any) -> None:
    """Raises a ValueError unless a model is a functional one with named outputs."""
    if not isinstance(model, keras.Model) or not isinstance(getattr(model, "output", None), dict):
        raise ValueError(error("model", "a functional model with outputs by name", model))


def check_tasks(model: keras.Model, tasks: Sequence[str] | None) -> list[str]:
    """Returns the names of the tasks to export; all for None."""
    names = list(model.output)
    if tasks is None:
        return names
    several = isinstance(tasks, Iterable) and not isinstance(tasks, str)
    if not several or not list(tasks) or not set(tasks) <= set(names):
        raise ValueError(error("tasks", f"a list of names out of {names}", tasks))
    return [name for name in names if name in set(tasks)]


def plain(model: keras.Model, tasks: Sequence[str]) -> keras.Model:
    """Returns a Keras model of the same layers, from a list of inputs to the outputs of some tasks.

    Parts that only training needs are left out, and so are layers and inputs that none of the tasks needs. The outputs
    are those of `predict`.
    """
    outputs = {task: model.output[task] for task in tasks}
    if hasattr(model, "predictions"):  # a `MultiTaskModel`
        outputs = model.predictions(outputs)
    names = set().union(*(find_inputs(output) for output in outputs.values()))
    return keras.Model([x for x in model.inputs if x.name in names], outputs)
