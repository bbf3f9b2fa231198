"""The maximum over tokens, by hand."""

import numpy as np

from mtl_keras import layers
from tests.unit.layers._sequences import COLUMN, MASK


def test_max_over_positions():
    layer = layers.MaxOverPositions()
    np.testing.assert_array_equal(layer(COLUMN, mask=MASK), [[2.0]])
    np.testing.assert_array_equal(layer(-COLUMN, mask=MASK), [[-1.0]])
    np.testing.assert_array_equal(layer(COLUMN, mask=~MASK & False), [[0.0]])
    np.testing.assert_array_equal(layer(COLUMN), [[9.0]])
