"""Predictions of members on held-out data, as features for heads or weights."""

from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._types import Tensor
from mtl_keras._weights import times
from mtl_keras.engine import FullBatch
from mtl_keras.engine.graph import mask_of
from mtl_keras.ensembles._lbfgs import minimise
from mtl_keras.models import MultiTaskModel


def predicted(inputs: Any, tensors: Any, batches: Any) -> list[tuple[Any, Any, Any]]:
    """Returns batches `(values of tensors, {task: y}, {task: weight})` of data.

    Positions that the Keras mask of the values excludes have weight 0.

    Args:
        inputs: Keras inputs.
        tensors: `{task: list of Keras tensors}`.
        batches: The result of `batches_of` or `cut`.
    """
    model = keras.Model(inputs, tensors)
    found = []
    for batch in batches:
        x, y, *weights = batch
        given = weights[0] if weights else {}
        values = model(x, training=False)
        weight = {}
        for task, of_task in values.items():
            masks = [mask_of(value) for value in of_task if mask_of(value) is not None]
            own = given.get(task) if isinstance(given, dict) else given
            mask = ops.cast(masks[0], "float32") if masks else None
            own = times(None if own is None else ops.cast(own, "float32"), mask)
            weight[task] = ops.ones(ops.shape(y[task])[:1]) if own is None else own
        bare = keras.tree.map_structure(lambda value: ops.convert_to_tensor(ops.convert_to_numpy(value)), values)
        found.append((bare, y, weight))  # without masks, because models do not accept them
    return found


def check_labels(name: str, batches: list, tasks: list[str]) -> None:
    """Raises a ValueError if a task has no label."""
    for task in tasks:
        if not any(float(ops.sum(ops.abs(weight[task]))) for _, _, weight in batches):
            raise ValueError(f"`{name}` must have labels of every task. Received: none of the task {task!r}.")


def fitted(model: MultiTaskModel, batches: list, max_iters: int, l2: float = 0.0) -> None:
    """Trains a small model with one task to the minimum of its loss on data.

    Args:
        model: A compiled model, with one input, or with those of `as_inputs`.
        batches: The result of `predicted`.
        max_iters: Maximum number of steps.
        l2: Half the factor of the squares of all kernels, over the sum of the weights of the labels.
    """
    (task,) = model.task_names
    data = [(_as_x(model, values[task]), {task: y[task]}, {task: weight[task]}) for values, y, weight in batches]
    full = FullBatch(model, data)
    penalised = np.concatenate([np.full(int(np.prod(v.shape)), v.name == "kernel") for v in full.variables])

    def gradient(point):
        _, slope = full.value_and_gradient(point)
        return slope + l2 * penalised * point / full.size

    full.move(minimise(gradient, full.point(), max_iters, 1e-7))


def _as_x(model, values):
    return {f"inputs{i}": value for i, value in enumerate(values)} if isinstance(model.input, dict) else values[0]


def as_inputs(tensors: list[Tensor]) -> dict[str, Tensor]:
    """Returns Keras inputs to replace tensors, named `inputs0`, `inputs1` and so on."""
    return {
        f"inputs{i}": keras.Input(batch_shape=(None, *t.shape[1:]), dtype=t.dtype, name=f"inputs{i}")
        for i, t in enumerate(tensors)
    }
