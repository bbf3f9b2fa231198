"""Models so small that their features can be worked out by hand."""

import keras
import numpy as np

import mtl_keras as mtl


def model(sharing, kernels, width=2, stages=1, names="ab"):
    """Returns a model whose outputs are its features, of linear stages without biases.

    Args:
        sharing: The scheme.
        kernels: `{name of a layer: its kernel}`; a number stands for a multiple of the identity.
        width: Of the input and of every stage.
        stages: How many stages.
        names: Names of the tasks.
    """
    tasks = [mtl.Task(name, mtl.heads.Regression(width)) for name in names]
    tower = mtl.towers.MLP((width,) * stages, activation="linear")
    built = mtl.build_model((width,), tasks, tower=tower, sharing=sharing)
    for name, kernel in {**{f"{name}_linear": 1.0 for name in names}, **kernels}.items():
        weight = built.get_layer(name).kernel
        weight.assign(kernel * np.eye(width) if np.ndim(kernel) == 0 else np.array(kernel))
    return built


def features(built, x):
    """Returns `{task: what it predicts}` for one row."""
    return {task: np.array(y[0]) for task, y in built(keras.ops.convert_to_tensor([x], "float32")).items()}


def paths(variables):
    """Returns the paths of variables, sorted."""
    return sorted(v.path for v in variables)


def train_partition(sharing, head=None, names="ab", units=(2, 2)):
    """Returns the `Partition` of a model with two dense stages and heads of one layer."""
    tasks = [mtl.Task(name, head or mtl.heads.Binary()) for name in names]
    built = mtl.build_model((3,), tasks, tower=mtl.towers.MLP(units), sharing=sharing)
    built.compile("sgd", metrics=[])
    return built.partition
