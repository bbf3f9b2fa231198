"""Finds in the functional graph where the graphs of the tasks separate."""

import keras

from mtl_keras._types import Tensor
from mtl_keras.engine.graph import node, nodes_behind


def find_features(model: keras.Model) -> list[Tensor]:
    """Returns the tensors that lead from the shared part of a model into a task's own part.

    Only tensors that depend on trainable layers count: the gate of a task may also read the inputs.

    Args:
        model: A functional `keras.Model` whose outputs are a dict by task name.

    Returns:
        List of Keras tensors, in the order of the graph.

    Raises:
        ValueError: If nothing is shared, or a task's output lies in the shared part.
    """
    reached = {task: nodes_behind(output) for task, output in model.output.items()}
    tasks_of = {}  # {id of a node: number of tasks that reach it}
    for nodes in reached.values():
        for key in nodes:
            tasks_of[key] = tasks_of.get(key, 0) + 1
    found = {}
    for task, output in model.output.items():
        if tasks_of[id(node(output))] > 1:
            raise ValueError(
                f'`level="features"` needs a part of the graph that each task has alone. The output of task {task!r} '
                'is computed from what other tasks use as well. Use `level="parameters"`.'
            )
        own = [own for key, own in reached[task].items() if tasks_of[key] == 1]
        for tensor in (tensor for call in own for tensor in call.input_tensors):
            if tasks_of[id(node(tensor))] > 1 and _trains(tensor):
                found[id(tensor)] = tensor
    if not found:
        raise ValueError(
            '`level="features"` needs a shared part of the graph whose features the tasks read. In this model the '
            "tasks share no layer."
        )
    return list(found.values())


def is_cut(features: list[Tensor], model: keras.Model, shared: list[keras.Variable]) -> bool:
    """Returns whether each path from a shared variable to an output goes through exactly one of the features.

    Then the gradient of the shared variables follows from that of the features alone. It does not if one feature is
    computed from another, or if a task's own part uses a shared layer again.

    Args:
        features: The result of `find_features` for the model.
        model: The `keras.Model`.
        shared: List of the variables that two or more outputs reach.
    """
    makers = {id(node(tensor)) for tensor in features}
    behind = {}  # {id: node}, all nodes that the features depend on
    for tensor in features:
        nodes = nodes_behind(tensor)
        if len(makers & set(nodes)) > 1:
            return False
        behind |= nodes
    ids = {id(v) for v in shared}
    after = [
        call for output in model.output.values() for key, call in nodes_behind(output).items() if key not in behind
    ]
    return not any(id(v) in ids for call in after for v in getattr(call.operation, "trainable_variables", ()))


def _trains(tensor):
    """Returns whether a tensor depends on trained variables."""
    return any(getattr(call.operation, "trainable_variables", None) for call in nodes_behind(tensor).values())
