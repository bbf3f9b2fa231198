"""Rows without a token."""

import keras
import numpy as np

from mtl_keras import layers


def test_only_rows_without_a_token_change():
    ids = np.array([[5, 0], [0, 7], [0, 0]])
    np.testing.assert_array_equal(layers.FillEmpty()(ids), [[5, 0], [0, 7], [1, 0]])


def test_a_batch_of_length_0():
    np.testing.assert_array_equal(layers.FillEmpty()(np.zeros((2, 0), "int32")), [[1], [1]])
    inputs = keras.Input((None,), dtype="int64")
    model = keras.Model(inputs, layers.FillEmpty()(inputs))
    np.testing.assert_array_equal(model.predict(np.zeros((2, 0), "int64"), verbose=0), [[1], [1]])
    np.testing.assert_array_equal(model.predict(np.array([[3, 0]]), verbose=0), [[3, 0]])
