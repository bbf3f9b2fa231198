"""Values that rise, by hand."""

import numpy as np

from mtl_keras import layers


def test_steps():
    """softplus(0) = ln 2, softplus(ln 3) = ln 4."""
    values = np.array([[1.0, 0.0, np.log(3.0)], [-2.0, -100.0, 5.0]])
    rising = np.array(layers.Increasing()(values))
    np.testing.assert_allclose(rising[0], [1.0, 1.0 + np.log(2.0), 1.0 + np.log(8.0)], rtol=1e-6)
    np.testing.assert_allclose(rising[1], [-2.0, -2.0, 3.0067], atol=1e-4)  # ln(1 + e⁵) = 5.0067
