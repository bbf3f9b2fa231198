"""Builds a plain Keras model from a tower."""

import math

import keras
import numpy as np


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


def num_trainable_at(tower, shape):
    """Returns the number of trainable parameters of a tower and the width of its features, without making weights."""
    with keras.StatelessScope(initialize_variables=False):
        model = build(tower, shape)
    return num_trainable(model), model.output["shared"].shape[-1]


def overfits(tower, shape, optimizer, steps=40):
    """Returns whether a tower and a layer of two classes learn four random images by heart."""
    inputs = keras.Input(shape)
    x = inputs
    for name, stage in tower.stages().items():
        x = stage(x, f"shared_{name}")
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images, labels = np.random.default_rng(0).normal(size=(4, *shape)), np.array([0, 1, 1, 0])
    losses = model.fit(images, labels, epochs=steps, verbose=0).history["loss"]
    return losses[0] > 0.3 and losses[-1] < 0.1


def num_trainable(model):
    """Returns the number of trainable parameters."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _input(name, part, dtype):
    shape, own = part if has_dtype(part) else (part, dtype)
    return keras.Input(shape, name=name, dtype=own)


def has_dtype(part):
    """Returns whether what a case says of an input is (shape, dtype) rather than its shape."""
    return len(part) == 2 and isinstance(part[1], str)
