"""The part of a model that computes some tasks, as a plain Keras model."""

import keras

from mtl_keras.engine import find_inputs


def check_model(model):
    """Raises a ValueError unless a model is a functional one with named outputs."""
    if not isinstance(model, keras.Model) or not isinstance(getattr(model, "output", None), dict):
        raise ValueError(f"`model` must be a functional model with outputs by name. Received: model={model!r}.")


def check_tasks(model, tasks):
    """Returns the names of the tasks to export: all of them for None."""
    names = list(model.output)
    if tasks is None:
        return names
    if isinstance(tasks, str) or not list(tasks) or not set(tasks) <= set(names):
        raise ValueError(f"`tasks` must be a list of names out of {names}. Received: tasks={tasks!r}.")
    return [name for name in names if name in set(tasks)]


def plain(model, tasks):
    """Returns a Keras model of the same layers, from a list of inputs to the outputs of some tasks.

    What training adds stays out, and so do layers and inputs that none of the tasks needs. The outputs are those that
    `predict` gives.
    """
    outputs = {task: model.output[task] for task in tasks}
    if hasattr(model, "predictions"):  # a `MultiTaskModel`
        outputs = model.predictions(outputs)
    names = set().union(*(find_inputs(output) for output in outputs.values()))
    return keras.Model([x for x in model.inputs if x.name in names], outputs)
