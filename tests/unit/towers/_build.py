"""Builds a plain Keras model from a tower."""

import math

import keras


def build(tower, shape, copies=("shared",), dtype="float32"):
    """Returns a model of `copies` of a tower on one input, or on `{name: shape}`."""
    if isinstance(shape, dict):
        inputs = {name: keras.Input(part, name=name, dtype=dtype) for name, part in shape.items()}
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
