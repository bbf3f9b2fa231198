"""Builds a multi-task model from tasks, a tower and a sharing scheme."""

from collections.abc import Iterable
from typing import Any

import keras

from mtl_keras import _registry
from mtl_keras.engine import layers_between, maker
from mtl_keras.models.multi_task_model import MultiTaskModel
from mtl_keras.sharing import Sharing
from mtl_keras.task import Task
from mtl_keras.towers import Tower, as_tower


def build_model(
    inputs: Any,
    tasks: Iterable[Task],
    tower: str | Tower | keras.layers.Layer = "mlp",
    sharing: str | Sharing = "hard",
    preprocess: keras.layers.Layer | list[keras.layers.Layer] | None = None,
    name: str | None = None,
) -> MultiTaskModel:
    """Builds a functional Keras model with one named output per task.

    Args:
        inputs: Shape of one sample, such as `(28, 28, 1)`; or a `keras.Input`; or several inputs, as a dict `{name:
            shape or keras.Input}` or as a list of `keras.Input`s, whose names are then used.
        tasks: List of `mtl_keras.Task`s with different names.
        tower: Turns the inputs into features: a look-up string (`"mlp"`, `"lenet"`, ...), a recipe of
            `mtl_keras.towers`, or any `keras.Model` or Keras layer.
        sharing: How the tasks share the tower: a look-up string (`"hard"`, `"mmoe"`, `"soft"`, ...) or a recipe of
            `mtl_keras.sharing`.
        preprocess: A Keras layer, or a list of them, applied to every input inside the model, such as
            `keras.layers.Rescaling(1 / 255)`. An export then takes raw data.

    Returns:
        A `mtl_keras.MultiTaskModel`, not compiled.

    Raises:
        ValueError: If a name is unknown, `tower` or `sharing` has a wrong type, or there are no tasks or two tasks with
            the same name.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((28, 28, 1), tasks, tower="lenet", sharing="hard")
    model.compile("adam")
    model.output_names  # ['digit', 'odd']
    ```
    """
    tasks = list(tasks)
    names = [task.name if isinstance(task, Task) else None for task in tasks]
    if not tasks or None in names:
        raise ValueError(f"`tasks` must be a list of at least one mtl_keras.Task. Received: tasks={tasks!r}.")
    if len(set(names)) < len(names):
        raise ValueError(f"`tasks` must have distinct names. Received: {names}.")
    inputs = _as_inputs(inputs)
    x = _preprocessed(inputs, preprocess)
    features, outputs = _as_sharing(sharing)(x, as_tower(tower), tasks)
    return MultiTaskModel(
        inputs,
        outputs,
        tasks=tasks,
        tower_layers={task: [layer.name for layer in layers_between(x, y)] for task, y in features.items()},
        feature_layers={task: maker(y).name for task, y in features.items()},
        name=name,
    )


def _as_inputs(inputs):
    """Returns a Keras input, or a dict of them by name."""
    if isinstance(inputs, dict):
        return {
            name: spec if isinstance(spec, keras.KerasTensor) else keras.Input(spec, name=name)
            for name, spec in inputs.items()
        }
    if isinstance(inputs, keras.KerasTensor):
        return inputs
    if isinstance(inputs, (list, tuple)) and any(isinstance(i, keras.KerasTensor) for i in inputs):
        return {tensor.name: tensor for tensor in inputs}
    return keras.Input(inputs, name="inputs")


def _as_sharing(identifier):
    """Returns the sharing scheme for a look-up string or a recipe."""
    sharing = _registry.get("sharing", identifier)
    if not isinstance(sharing, Sharing):
        known = ", ".join(repr(name) for name in _registry.names("sharing"))
        raise ValueError(
            f"`sharing` must be one of {known}, or a recipe such as `mtl_keras.sharing.Hard()`. "
            f"Received: sharing={identifier!r}. Call the class first if it is one."
        )
    return sharing


def _preprocessed(inputs, preprocess):
    layers = keras.tree.flatten(preprocess) if preprocess is not None else []
    for layer in layers:
        inputs = keras.tree.map_structure(layer, inputs)
    return inputs
