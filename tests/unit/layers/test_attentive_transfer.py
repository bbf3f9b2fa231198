"""Attention between two sources, by hand."""

import numpy as np

from mtl_keras import layers


def test_weights():
    """With Q = K = V = 1, p = √ln 3 has the score ln 3 and q = 0 has 0: the weights are 3/4 and 1/4."""
    layer = layers.AttentiveTransfer()
    p, q = np.full((1, 1), np.log(3.0) ** 0.5), np.zeros((1, 1))
    layer.build([p.shape, q.shape])
    layer.set_weights([np.ones((1, 1))] * 3)
    np.testing.assert_allclose(layer([p, q]), 0.75 * p, rtol=1e-6)


def test_scores_are_over_the_square_root_of_the_width():
    """4 channels of 1 have the score 4 / √4 = 2 beside 0, with Q = K = V = I."""
    layer = layers.AttentiveTransfer()
    p, q = np.ones((1, 4)), np.zeros((1, 4))
    layer.build([p.shape, q.shape])
    layer.set_weights([np.eye(4)] * 3)
    np.testing.assert_allclose(layer([p, q]), p / (1 + np.exp(-2.0)), rtol=1e-6)
