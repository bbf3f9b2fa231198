"""A model whose gradients are known by hand."""

import keras
import numpy as np

import mtl_keras as mtl


def linear(rate=0.0, **arguments):
    """Returns a model of three tasks on h = x · k, with k = 0 of two entries, its inputs, and its labels.

    The rows of x are the two unit vectors, so that a has the loss |k - (3, 4)|² / 2, b |2 k + (4, 3)|² / 2, and c
    |k - (-4, 3)|² / 2, all of them 12.5; the gradients are -(3, 4), 2 (4, 3) and -(-4, 3).
    """
    x = keras.Input((2,))
    h = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="k")(x)
    outputs = {
        task: keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(value), name=task)(h)
        for task, value in {"a": 1.0, "b": -2.0, "c": 1.0}.items()
    }
    model = mtl.MultiTaskModel(x, outputs)
    model.compile(keras.optimizers.SGD(rate), loss="mse", **arguments)
    return model, np.eye(2), {"a": np.array([3.0, 4.0]), "b": np.array([4.0, 3.0]), "c": np.array([-4.0, 3.0])}
