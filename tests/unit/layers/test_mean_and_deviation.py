"""A mean and a deviation, by hand."""

import numpy as np
import pytest

from mtl_keras import layers


def test_values():
    """softplus(0) = ln 2; far below 0 the deviation is the least one."""
    out = layers.MeanAndDeviation(0.5)(np.array([[3.0, 0.0], [-2.0, -100.0]]))
    np.testing.assert_allclose(out, [[3.0, np.log(2.0) + 0.5], [-2.0, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("min_deviation", [0.0, -1.0])
def test_arguments_out_of_range(min_deviation):
    with pytest.raises(ValueError, match=r"`min_deviation` must be a finite number above 0\. Received: min_deviation="):
        layers.MeanAndDeviation(min_deviation)


def test_another_width():
    with pytest.raises(ValueError, match=r"`values` must be of shape \[\.\.\., 2\]\. Received: \[4, 3\]"):
        layers.MeanAndDeviation()(np.ones((4, 3)))
