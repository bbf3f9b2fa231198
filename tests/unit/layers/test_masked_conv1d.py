"""Convolutions that see no padding, by hand."""

import numpy as np
import pytest

from mtl_keras import layers
from tests.unit.layers._sequences import COLUMN, MASK, through


def test_sees_no_padding():
    layer = layers.MaskedConv1D(1, 3, kernel_initializer="ones", bias_initializer="ones")
    np.testing.assert_allclose(layer(COLUMN, mask=MASK)[0, :2, 0], [4.0, 4.0])
    np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [4.0, 13.0, 12.0])


def test_causal():
    layer = layers.MaskedConv1D(1, 2, padding="causal", kernel_initializer="ones")
    np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [1.0, 3.0, 11.0])


def test_passes_the_mask_on():
    assert through(layers.MaskedConv1D(3, 3)).output._keras_mask is not None


@pytest.mark.parametrize("argument", [{"padding": "valid"}, {"strides": 2}, {"data_format": "channels_first"}])
def test_must_keep_the_length(argument):
    with pytest.raises(ValueError, match=r"`padding` must be 'same' or 'causal', `strides` 1.*Received"):
        layers.MaskedConv1D(2, 3, **argument)


@pytest.mark.parametrize(("argument", "value"), [("filters", 0), ("kernel_size", 2.5), ("kernel_size", (3, 3))])
def test_bad_sizes(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be an integer of at least 1. Received: {argument}="):
        layers.MaskedConv1D(**{"filters": 2, "kernel_size": 3, argument: value})


def test_takes_the_kernel_size_as_keras_saves_it():
    assert layers.MaskedConv1D(2, [3]).kernel_size == layers.MaskedConv1D(2, 3).kernel_size == (3,)
