"""Separate optimizers for the parts of a model."""

import re

import keras

from mtl_keras import _arguments
from mtl_keras.engine import SHARED, Reach


def by_part(
    model: keras.Model,
    tower: str | keras.optimizers.Optimizer,
    heads: str | keras.optimizers.Optimizer | None = None,
    tasks: dict[str, str | keras.optimizers.Optimizer] | None = None,
    weighting: str | keras.optimizers.Optimizer | None = None,
) -> keras.optimizers.Optimizer:
    """Makes an optimizer that trains each part of a multi-task model with its own optimizer.

    Each optimizer has its own learning rate, schedule and clipping, which act on its part only. Callbacks such as
    `keras.callbacks.ReduceLROnPlateau` act on all of them; they are listed in `optimizer.optimizers`. Needs Keras 3.15.

    Args:
        model: A `mtl_keras.MultiTaskModel`, or any functional `keras.Model` whose outputs are a dict by task name.
        tower: Optimizer of the variables that two or more tasks use: a Keras optimizer, or its name.
        heads: Optimizer of the variables that one task uses: its head, and its own tower if it has one. None: that of
            the tower.
        tasks: `{task: optimizer}`, overriding `heads`.
        weighting: Optimizer of the trained variables of a weighting, such as the log-variances of `"uncertainty"`.
            None: that of the tower.

    Returns:
        A `keras.optimizers.MultiOptimizer`, for `model.compile`. It is saved and loaded with the model.

    Raises:
        ImportError: If Keras is older than 3.15.
        ValueError: If `model` has no outputs by name, or `tasks` names an unknown task.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks)
    adam = keras.optimizers.Adam(1e-3)
    model.compile(mtl.optimizers.by_part(model, tower=adam, heads="sgd", tasks={"odd": "rmsprop"}))
    model.fit(np.ones((10, 8, 8)), {"digit": np.arange(10), "odd": np.arange(10) % 2}, verbose=0)
    ```
    """
    if not hasattr(keras.optimizers, "MultiOptimizer"):
        raise ImportError(f"`by_part` needs Keras 3.15 or newer. Received: Keras {keras.__version__}.")
    if not isinstance(getattr(model, "output", None), dict):
        raise ValueError(f"`model` must be a functional model with outputs by task name. Received: model={model!r}.")
    tasks = _arguments.by_task("tasks", tasks or {}, model.output)
    tower = keras.optimizers.get(tower)
    heads = tower if heads is None else keras.optimizers.get(heads)
    by_task = {task: keras.optimizers.get(optimizer) for task, optimizer in tasks.items()}
    keys = numbered(model.weights)
    parts = Reach(model).variables("weights")
    optimizers = {SHARED: tower, **{task: by_task.get(task, heads) for task in model.output}}
    by_key = {keys[id(v)]: optimizers[part] for part, variables in parts.items() for v in variables}
    default = tower if weighting is None else keras.optimizers.get(weighting)
    optimizer_map = ByPath(default, _patterns(by_key, default))
    optimizer_map.keys_of = keys
    return ByPart(optimizer_map)


def numbered(variables: list[keras.Variable]) -> dict[int, str]:
    """Returns `{id: path}` of variables. A path that an earlier variable also has gets a number at its end.

    Copies of a tower may have inner layers with the same names; Keras then gives their variables the same path.
    """
    found: dict[str, int] = {}
    keys = {}
    for variable in variables:
        found[variable.path] = found.get(variable.path, 0) + 1
        keys[id(variable)] = variable.path + (f"#{found[variable.path]}" if found[variable.path] > 1 else "")
    return keys


@keras.saving.register_keras_serializable(package="mtl_keras")
class ByPath(getattr(keras.optimizers, "OptimizerMap", object)):
    """An `OptimizerMap` that distinguishes variables with the same path.

    Attributes:
        keys_of: What `numbered` returned for the variables; None in a loaded map, until it is built.
    """

    keys_of = None

    def __call__(self, variable):
        return self[(self.keys_of or {}).get(id(variable), variable.path)]

    def get_config(self):
        return super().get_config()  # needed to register the class if Keras has no `OptimizerMap`


@keras.saving.register_keras_serializable(package="mtl_keras")
class ByPart(getattr(keras.optimizers, "MultiOptimizer", keras.optimizers.Optimizer)):
    """A `MultiOptimizer` that can be applied to some of its variables, while the others are frozen.

    Args:
        optimizer_map: A `ByPath`.
        **kwargs: As in `keras.optimizers.MultiOptimizer`.
    """

    def __init__(self, optimizer_map, **kwargs):
        super().__init__(optimizer_map, **kwargs)
        self.optimizer_map = optimizer_map

    def build(self, variables):
        if isinstance(self.optimizer_map, ByPath) and self.optimizer_map.keys_of is None:
            self.optimizer_map.keys_of = numbered(variables)
        super().build(variables)

    def apply(self, grads, trainable_variables=None):
        if trainable_variables is None:
            super().apply(grads)
            return
        variables = list(trainable_variables)
        if not self.built:
            self.build(variables)
        parts = {}  # {id of an optimizer: (optimizer, gradients, variables)}
        for gradient, variable in zip(grads, variables, strict=True):
            optimizer = self.optimizer_map(variable)
            _, part_grads, part_variables = parts.setdefault(id(optimizer), (optimizer, [], []))
            part_grads.append(gradient)
            part_variables.append(variable)
        for optimizer, part_grads, part_variables in parts.values():
            optimizer.apply(part_grads, part_variables)
        self.iterations.assign_add(1)


def _patterns(by_key, default):
    """Returns `{pattern of keys: optimizer}` without those of the default, one pattern per optimizer.

    One pattern each, because a loaded map has one instance per pattern.
    """
    patterns = {}
    for key, optimizer in by_key.items():
        if optimizer is not default:
            patterns.setdefault(id(optimizer), (optimizer, []))[1].append(key)
    return {"|".join(map(re.escape, keys)): optimizer for optimizer, keys in patterns.values()}
