"""The price of a chain of events that is not one, by hand."""

import numpy as np
import pytest

from mtl_keras import layers


def test_calibration():
    later, earlier = np.array([[0.0], [0.0]]), np.log([[0.25 / 0.75], [3.0]])  # 0.5 after 0.25 and after 0.75
    layer = layers.Calibration(0.6)
    np.testing.assert_array_equal(layer([later, earlier]), later)
    assert float(layer.losses[0]) == pytest.approx(0.6 * (0.25 + 0.0) / 2)


def test_arguments_out_of_range():
    with pytest.raises(ValueError, match="`strength` must be a finite number of at least 0"):
        layers.Calibration(**{"strength": -0.1})
