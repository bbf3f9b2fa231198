"""Several models as one graph, without duplicate computations."""

import hashlib
import json
from typing import Any

import keras

from mtl_keras._types import Tensor
from mtl_keras.engine.graph import copy_state, with_inner


class JointGraph:
    """Copies of models over common inputs.

    If the graph already has an equal layer or operation, with equal weights and the same input tensors, it is not added
    again: the frozen backbone of several models is computed once. The copies are frozen and have new names.

    Args:
        model: A functional model. The graph has its inputs.

    Attributes:
        inputs: Keras inputs, in the structure of the model's inputs.
    """

    def __init__(self, model: keras.Model):
        self.inputs = keras.tree.map_structure(
            lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), model.input
        )
        self._by_name = {x.name: x for x in keras.tree.flatten(self.inputs)}
        self._calls: dict[Any, Any] = {}  # {(operation, inputs): outputs}
        self._kept: list[Any] = []  # keeps objects alive, so that their ids stay unique
        self._names: set[str] = set(self._by_name)

    def add(self, model: keras.Model, outputs: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
        """Copies the layers that lead to outputs of a model; returns the copies of the outputs.

        Args:
            model: A functional model with inputs of the same names.
            outputs: `{task: output}` of the model.
            prefix: Beginning of the names of the copies.
        """
        part = keras.Model(model.inputs, outputs)
        copies: dict[int, tuple[Any, Any]] = {}  # {id of a layer: (layer, copy)}
        meanings: dict[int, Any] = {}

        def call(operation, *args, **kwargs):
            if id(operation) not in meanings:
                meanings[id(operation)] = _meaning(operation)
            given = keras.tree.map_structure(_identity, (args, sorted(kwargs.items())))
            key = (*meanings[id(operation)], repr(given))
            if key not in self._calls:
                if id(operation) not in copies:
                    copies[id(operation)] = operation, self._copy(operation, prefix)
                self._calls[key] = copies[id(operation)][1](*args, **kwargs)
                self._kept += [args, kwargs, self._calls[key]]
            return self._calls[key]

        inputs = keras.tree.pack_sequence_as(part.input, [self._by_name[x.name] for x in part.inputs])
        copied = keras.models.clone_model(part, inputs, clone_function=lambda layer: layer, call_function=call).output
        for operation, copy in copies.values():
            if isinstance(copy, keras.layers.Layer):
                for old, new in zip(with_inner([operation]), with_inner([copy]), strict=True):
                    copy_state(old, new)
                copy.trainable = False
        return copied

    def _copy(self, operation, prefix):
        """Returns a copy of a layer or operation with a new name."""
        copy = type(operation).from_config(operation.get_config())
        name, number = f"{prefix}_{operation.name}", 1
        while name in self._names:
            number += 1
            name = f"{prefix}_{operation.name}_{number}"
        self._names.add(name)
        copy.name = name
        return copy


def _identity(thing):
    return f"tensor {id(thing)}" if isinstance(thing, keras.KerasTensor) else repr(thing)


def _meaning(operation):
    """Returns a key that is equal for layers or operations that compute the same: class, configuration and weights."""
    config = {key: value for key, value in operation.get_config().items() if key not in ("name", "trainable")}
    digest = hashlib.sha256(json.dumps(keras.saving.serialize_keras_object(config), default=repr).encode())
    for layer in with_inner([operation]) if isinstance(operation, keras.layers.Layer) else []:
        for weight in layer.weights:
            digest.update(f"{weight.shape}".encode())
            digest.update(keras.ops.convert_to_numpy(weight).tobytes())
    return type(operation), digest.hexdigest()
