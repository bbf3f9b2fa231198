"""Maxima of pairs, by hand."""

import numpy as np
import pytest

from mtl_keras import layers
from tests.unit.layers._sequences import COLUMN, through


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([3], [3]),
        ([3, 1], [3]),
        ([-3, -1, -4], [-1, -4]),
        ([3, 1, 4, 1], [4, 4]),
        ([3, 1, 4, 1, 5], [4, 5, 5]),
    ],
)
@pytest.mark.parametrize("padding", [0, 1, 2, 3])
def test_maxima_whatever_the_padding(x, expected, padding):
    layer = layers.HalveSequence()
    mask = np.array([[True] * len(x) + [False] * padding])
    x = np.array([*x, *[99.0] * padding], "float32").reshape(1, -1, 1)
    y, mask = layer(x, mask=mask)[0, :, 0], np.array(layer.compute_mask(x, mask))[0]
    assert len(y) == len(mask) == -(-x.shape[1] // 2)
    np.testing.assert_array_equal(mask, np.arange(len(mask)) < len(expected))
    np.testing.assert_array_equal(y[: len(expected)], expected)
    np.testing.assert_array_equal(y[len(expected) :], 0)


def test_without_a_mask():
    layer = layers.HalveSequence()
    np.testing.assert_array_equal(layer(-COLUMN)[0, :, 0], [-1.0, -9.0])
    assert layer.compute_mask(COLUMN) is None


def test_the_mask_comes_along():
    model = through(layers.HalveSequence())
    ids = np.array([[1, 2, 3, 0, 0, 0], [4, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(model(ids)._keras_mask, [[True, True, False], [True, False, False]])


def test_gradients_are_finite():
    model = through(layers.HalveSequence())
    model.compile("sgd", loss="mse")
    model.fit(np.array([[1, 0, 0], [0, 0, 0]]), np.ones((2, 2, 2)), verbose=0)
    assert np.isfinite(model.get_weights()[0]).all()
