"""Finds what each task reaches in a functional model. The only file that uses private parts of Keras."""

from typing import Any

import keras

from mtl_keras._types import Tensor, Tensors

SHARED = "shared"  # the part of a model that two or more tasks reach


class Reach:
    """Which layers and variables lead to which outputs of a functional model.

    A part of a model is either `"shared"` (all that two or more outputs reach) or the name of a task (all that only its
    output reaches). The parts are found from models with a single output each, so the origin of the graph does not
    matter.

    Args:
        model: A functional `keras.Model` whose outputs are a dict by task name.

    Attributes:
        layers: `{task: list of the layers behind its output}`, in the order of the graph.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.layers = {task: layers_between(model.inputs, output) for task, output in model.output.items()}

    def layers_of(self, part: str) -> list[keras.layers.Layer]:
        """Returns the layers of a part, in the model's order."""
        tasks_of = _tasks_of(self.layers)
        belongs = {key for key, tasks in tasks_of.items() if _part(tasks) == part}
        return [layer for layer in self.model.layers if id(layer) in belongs]

    def variables(self, kind: str = "trainable_variables") -> dict[str, list[keras.Variable]]:
        """Returns `{part: list of variables}` with `"shared"` first, each in the order of the model.

        Args:
            kind: Which attribute of the layers: `"trainable_variables"`, or `"weights"` for all.
        """
        tasks_of = _tasks_of(self.reached(kind))
        parts: dict[str, list] = {SHARED: [], **{task: [] for task in self.layers}}
        for variable in getattr(self.model, kind):
            if id(variable) in tasks_of:
                parts[_part(tasks_of[id(variable)])].append(variable)
        return parts

    def reached(self, kind: str = "trainable_variables") -> dict[str, list[keras.Variable]]:
        """Returns `{task: list of all variables that it reaches}`."""
        return {
            task: list({id(v): v for layer in layers for v in getattr(layer, kind)}.values())
            for task, layers in self.layers.items()
        }


def layers_between(inputs: Tensors, tensor: Tensor) -> list[keras.layers.Layer]:
    """Returns the layers that lead from the inputs to a tensor, in the order of the graph."""
    layers = keras.Model(keras.tree.flatten(inputs), tensor).layers
    return [layer for layer in layers if not isinstance(layer, keras.layers.InputLayer)]


def with_inner(layers: list[keras.layers.Layer]) -> list[keras.layers.Layer]:
    """Returns layers and their inner layers; the inner layers come after the outer one."""
    return [inner for layer in layers for inner in layer._flatten_layers()]


def copy_state(old: keras.layers.Layer, new: keras.layers.Layer) -> None:
    """Copies the own variables of a layer, those that a file stores for it, to a layer of the same kind."""
    state: dict = {}
    old.save_own_variables(state)
    new.load_own_variables(state)


def replace_layer(model: keras.Model, old: keras.layers.Layer | None, new: keras.layers.Layer | None) -> None:
    """Replaces a layer of a model that is not part of the graph by another; either may be None."""
    if old in model._layers:
        model._layers.remove(old)
    if new is not None and new not in model._layers:
        model._layers.append(new)


def maker(tensor: Tensor) -> keras.Operation:
    """Returns the layer or operation that made a Keras tensor."""
    return tensor._keras_history.operation


def mask_of(tensor: Tensor) -> Tensor | None:
    """Returns the Keras mask that a tensor carries, or None."""
    return getattr(tensor, "_keras_mask", None)


def node(tensor: Tensor) -> Any:
    """Returns the node that made a Keras tensor: a call, with its `operation` and `input_tensors`."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def nodes_behind(tensor: Tensor) -> dict:
    """Returns the nodes that a tensor depends on, `{id: node}`, with the node that made it first."""
    nodes, waiting = {}, [tensor]
    while waiting:
        found = node(waiting.pop())
        if id(found) not in nodes:
            nodes[id(found)] = found
            waiting.extend(found.input_tensors)
    return nodes


def find_tensor(output: Tensor, operation: str) -> Tensor:
    """Returns the tensor made by the operation with a name, the one nearest to an output."""
    waiting, seen = [output], set()
    for tensor in waiting:  # the list grows in the order of the distance
        if maker(tensor).name == operation:
            return tensor
        found = node(tensor)
        if id(found) not in seen:
            seen.add(id(found))
            waiting.extend(found.input_tensors)
    raise ValueError(f"The graph has no operation {operation!r} behind the output {output.name!r}.")


def find_inputs(output: Tensor) -> set[str]:
    """Returns the names of the model's inputs that an output depends on."""
    operations = {found.operation for found in nodes_behind(output).values()}
    return {operation.output.name for operation in operations if isinstance(operation, keras.layers.InputLayer)}


def _tasks_of(things: dict[str, list]) -> dict[int, list[str]]:
    """Returns `{id of an object: tasks that reach it}`."""
    found: dict[int, list[str]] = {}
    for task, reached in things.items():
        for thing in reached:
            found.setdefault(id(thing), []).append(task)
    return found


def _part(tasks: list[str]) -> str:
    return SHARED if len(tasks) > 1 else tasks[0]
