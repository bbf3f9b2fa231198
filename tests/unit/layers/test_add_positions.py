"""Sines and tables of positions, by hand."""

import numpy as np
import pytest

from mtl_keras import layers
from tests.unit.layers._sequences import COLUMN


def test_sines_of_the_paper():
    """Section 3.5: the wavelengths of 4 channels are 2π and 100 · 2π."""
    places = layers.AddPositions()(np.zeros((1, 3, 4)))[0]
    expected = [[np.sin(t), np.cos(t), np.sin(t / 100), np.cos(t / 100)] for t in range(3)]
    np.testing.assert_allclose(places, expected, atol=1e-6)


def test_a_table():
    layer = layers.AddPositions("learned", max_length=4)
    layer.build((None, None, 1))
    layer.set_weights([np.array([[10.0], [20.0], [30.0], [40.0]])])
    np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [11.0, 22.0, 39.0])
    layer.scale = 2.0
    np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [12.0, 24.0, 48.0])


def test_only_tokens_count():
    layer = layers.AddPositions("learned", max_length=2)
    layer.build((None, None, 1))
    layer.set_weights([np.array([[10.0], [20.0]])])
    mask = np.array([[False, True, True]])
    np.testing.assert_allclose(layer(COLUMN, mask=mask)[0, 1:, 0], [12.0, 29.0])


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`positions` must be one of 'sine', 'learned'. Received: positions='rotary'"):
        layers.AddPositions("rotary")
    with pytest.raises(ValueError, match=r"`max_length` must be an integer of at least 1. Received: max_length=0"):
        layers.AddPositions("learned", max_length=0)
    with pytest.raises(ValueError, match=r"`max_length` must be at least the length of the sequence, 3"):
        layers.AddPositions("learned", max_length=2)(COLUMN)
    with pytest.raises(ValueError, match=r"`scale` must be a finite number above 0. Received: scale=0"):
        layers.AddPositions(scale=0)
    with pytest.raises(ValueError, match=r"`x` must have an even number of channels for 'sine'. Received: 1"):
        layers.AddPositions()(COLUMN)
