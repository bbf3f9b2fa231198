"""Sequences with padding."""

import keras
import numpy as np

MASK = np.array([[True, True, False]])
COLUMN = np.array([[[1.0], [2.0], [9.0]]])  # [1, 3, 1]


def through(layer, length=None):
    """Returns a model of a layer on embedded ids, whose mask is True where an id is not 0."""
    ids = keras.Input((length,), dtype="int32")
    return keras.Model(ids, layer(keras.layers.Embedding(5, 2, mask_zero=True)(ids)))
