"""Warning signs in a trained model: dead units, a constant output, a diverged loss."""

import math
from typing import Any

import keras
import numpy as np

from mtl_keras.models import MultiTaskModel

_MANY = 0.5  # share of dead units in a layer above which they are reported


def flags_of(model: MultiTaskModel, batch: tuple[Any, ...], history: dict[str, list[float]]) -> list[str]:
    """Returns sentences about warning signs, such as "6 of 8 units of `income_dense` are dead".

    Args:
        model: The trained model.
        batch: A batch of the data that chose the epoch.
        history: `{name: one number per epoch}` of the training.
    """
    found = _diverged(history)
    layers = _relu_layers(model)
    outputs = {f"output {task}": y for task, y in model.output.items()}
    outputs |= {f"layer {layer.name}": layer.output for layer in layers}
    values = keras.Model(model.input, outputs)(batch[0], training=False)
    values = {name: keras.ops.convert_to_numpy(value) for name, value in values.items()}
    for task in model.task_names:
        array = values[f"output {task}"]
        if not np.isfinite(array).all():
            found.append(f"the output of `{task}` is not finite")
        elif len(array) > 1 and np.ptp(array, axis=0).max() <= 1e-6 * max(1.0, np.abs(array).max()):
            found.append(f"the output of `{task}` is constant")
    for layer in layers:
        array = values[f"layer {layer.name}"]
        dead = int((array.reshape(-1, array.shape[-1]) <= 0).all(axis=0).sum())
        if dead > _MANY * array.shape[-1]:
            found.append(f"{dead} of {array.shape[-1]} units of `{layer.name}` are dead")
    return found


def _diverged(history):
    losses = history.get("loss", [])
    if any(not math.isfinite(loss) for loss in losses):
        return ["the loss is not finite"]
    return ["the loss has grown in training"] if len(losses) > 1 and losses[-1] > losses[0] else []


def _relu_layers(model):
    """Returns the layers that end in a ReLU and have one output each."""
    found = []
    for layer in model.layers:
        is_relu = isinstance(layer, keras.layers.ReLU) or getattr(layer, "activation", None) is keras.activations.relu
        if is_relu and isinstance(_output(layer), keras.KerasTensor):
            found.append(layer)
    return found


def _output(layer):
    try:
        return layer.output
    except (AttributeError, ValueError):  # called more than once
        return None
