"""Means over cells, by hand."""

import keras
import numpy as np

from mtl_keras import layers
from tests.unit.layers._sequences import COLUMN, MASK


def test_match_positions_averages_over_cells():
    x = np.arange(5.0).reshape(1, 5, 1)
    out = layers.MatchPositions()([x, np.ones((1, 2, 1))])
    np.testing.assert_allclose(out[0, :, 0], [1.0, 3.0])  # cells 0 to 2 and 2 to 4
    out = layers.MatchPositions()([x[:, :2], np.ones((1, 3, 1))])
    np.testing.assert_allclose(out[0, :, 0], [0.0, 0.5, 1.0])


def test_match_positions_of_maps_and_vectors():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    out = layers.MatchPositions()([x, np.ones((1, 2, 2, 3))])
    np.testing.assert_allclose(out[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_allclose(layers.MatchPositions()([x, np.ones((1, 3))]), [[7.5]])
    np.testing.assert_allclose(layers.MatchPositions()([np.ones((1, 2)), np.ones((1, 3, 4))]), np.ones((1, 3, 2)))


def test_match_positions_of_unknown_length():
    long, short = keras.Input((None, 2)), keras.Input((None, 3))
    model = keras.Model([long, short], layers.MatchPositions()([long, short]))
    x = np.stack([np.arange(6.0), np.ones(6)], axis=1)[None]
    out = model.predict([x, np.ones((1, 3, 3))], verbose=0)
    np.testing.assert_allclose(out[0], [[0.5, 1], [2.5, 1], [4.5, 1]])


class TestPadding:
    def test_means_of_tokens(self):
        """5 tokens to 2: the cells 0 to 2 and 2 to 4, as without padding; and over all of them."""
        x = np.array([[[0.0], [1.0], [9.0], [2.0], [3.0], [4.0], [9.0]]])
        mask = x[:, :, 0] < 9
        like = np.ones((1, 4, 3))
        out = layers.MatchPositions()([x, like], mask=[mask, np.array([[True, True, False, False]])])
        np.testing.assert_allclose(out[0, :2, 0], [1.0, 3.0])
        out = layers.MatchPositions()([x[:, :2], like], mask=[mask[:, :2], None])
        np.testing.assert_allclose(out[0, :, 0], [0.0, 0.0, 1.0, 1.0])
        np.testing.assert_allclose(layers.MatchPositions()([x, like[:, 0]], mask=[mask, None]), [[2.0]])

    def test_as_many_tokens_stay_as_they_are(self):
        x, like, mask = COLUMN, np.ones((1, 2, 1)), MASK[:, :2]
        np.testing.assert_allclose(layers.MatchPositions()([x, like], mask=[MASK, mask])[0, :, 0], [1.0, 2.0])
