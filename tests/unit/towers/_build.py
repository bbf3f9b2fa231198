"""Builds a plain Keras model from a tower."""

import math

import keras


def build(tower, shape, copies=("shared",), dtype="float32"):
    """Returns a model of `copies` of a tower on one input, or on `{name: shape, or (shape, dtype)}`."""
    if isinstance(shape, dict):
        inputs = {name: _input(name, part, dtype) for name, part in shape.items()}
    else:
        inputs = keras.Input(shape, dtype=dtype)
    stages = tower.stages()
    outputs = {}
    for copy in copies:
        x = inputs
        for name, stage in stages.items():
            x = stage(x, f"{copy}_{name}")
        outputs[copy] = x
    return keras.Model(inputs, outputs)


def num_trainable(model):
    """Returns the number of trainable parameters."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _input(name, part, dtype):
    shape, own = part if has_dtype(part) else (part, dtype)
    return keras.Input(shape, name=name, dtype=own)


def has_dtype(part):
    """Returns whether what a case says of an input is (shape, dtype) rather than its shape."""
    return len(part) == 2 and isinstance(part[1], str)
