"""The weighted mean over tokens, by hand."""

import numpy as np
import pytest

from mtl_keras import layers
from tests.unit.layers._sequences import COLUMN, MASK


def test_weights():
    """tanh(x) = 3/5 for x = ln 2, so that with v = 5/3 · ln 3 the second token weighs three times the first."""
    layer = layers.AttentionPooling(1)
    x = np.array([[[0.0], [np.log(2.0)], [50.0]]])
    layer.build(x.shape)
    layer.set_weights([np.ones((1, 1)), np.zeros(1), np.full((1, 1), 5 / 3 * np.log(3.0))])
    np.testing.assert_allclose(layer(x, mask=MASK), [[0.75 * np.log(2.0)]], rtol=1e-6)


def test_without_a_token_it_is_finite():
    assert np.isfinite(layers.AttentionPooling(2)(COLUMN, mask=MASK & False)).all()


@pytest.mark.parametrize("units", [0, 1.5, True, None])
def test_bad_units(units):
    with pytest.raises(ValueError, match=r"`units` must be an integer of at least 1. Received: units="):
        layers.AttentionPooling(units)
