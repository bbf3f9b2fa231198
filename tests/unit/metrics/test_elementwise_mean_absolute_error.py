"""ElementwiseMeanAbsoluteError."""

import numpy as np
import pytest

from mtl_keras.metrics import ElementwiseMeanAbsoluteError


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (None, 6 / 4),
        ([[1, 1], [0, 1]], 3 / 3),
        ([[0, 2], [1, 0]], 3 / 3),
        ([2, 1], 7 / 6),
        ([[2], [1]], 7 / 6),
    ],
)
def test_values_worked_out_by_hand(weights, expected):
    labels, values = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 2.0], [0.0, 6.0]])  # 1, 0, 3, 2
    metric = ElementwiseMeanAbsoluteError()
    assert float(metric(labels, values, sample_weight=weights)) == pytest.approx(expected)
