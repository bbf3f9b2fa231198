"""`BesidePositions`: a vector at each position, by hand."""

import keras
import numpy as np

from mtl_keras.layers import BesidePositions


def test_of_a_sequence_and_of_a_map():
    sequence = np.arange(12, dtype="float32").reshape(2, 3, 2)
    vector = np.array([[7.0], [8.0]], "float32")
    found = np.array(BesidePositions()([sequence, vector]))
    assert found[0].tolist() == [[0, 1, 7], [2, 3, 7], [4, 5, 7]]
    assert found[1].tolist() == [[6, 7, 8], [8, 9, 8], [10, 11, 8]]
    found = np.array(BesidePositions()([np.zeros((2, 4, 5, 1)), np.array([[1.0, 2.0], [3.0, 4.0]])]))
    assert found.shape == (2, 4, 5, 3)
    assert (found[1] == [0, 3, 4]).all()


def test_the_mask_is_that_of_the_sequence():
    ids = keras.Input((4,), dtype="int32")
    sequence = keras.layers.Embedding(5, 2, mask_zero=True)(ids)
    vector = keras.layers.GlobalAveragePooling1D()(sequence)
    model = keras.Model(ids, BesidePositions()([sequence, vector]))
    given = np.array([[1, 2, 0, 0]])
    layer = model.layers[-1]
    mask = np.array([[True, True, False, False]])
    assert layer.compute_mask([None, None], [mask, None]) is mask
    assert layer.compute_mask([None, None]) is None
    assert model(given).shape == (1, 4, 4)
