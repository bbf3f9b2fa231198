"""The logit of a product of probabilities."""

import keras
import numpy as np
import pytest

from mtl_keras import layers


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.9, 0.2), (1e-3, 0.999), (0.3, 1e-6)])
def test_logit_product(p, q):
    a, b = (np.array([[np.log(x / (1 - x))]]) for x in (p, q))
    product = keras.ops.sigmoid(layers.LogitProduct(dtype="float64")([a, b]))
    assert float(product[0, 0]) == pytest.approx(p * q, rel=1e-9)


@pytest.mark.parametrize(("a", "b", "expected"), [(200, 300, 200), (-200, 300, -200), (-200, -300, -500), (0, 200, 0)])
def test_logit_product_of_certain_events(a, b, expected):
    """Where a probability in float32 is 0 or 1, the logit goes on."""
    out = layers.LogitProduct()([np.array([[a]], "float32"), np.array([[b]], "float32")])
    assert float(out[0, 0]) == pytest.approx(expected, abs=1e-5)
