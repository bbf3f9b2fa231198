"""ElementwiseBinaryAccuracy."""

import keras
import numpy as np
import pytest

from mtl_keras.metrics import ElementwiseBinaryAccuracy

LABELS = np.array([[1.0, 0.0], [1.0, 0.0]])
PROBABILITIES = np.array([[0.9, 0.8], [0.6, 0.5]])  # at a threshold of 0.5: right, wrong, right, right


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (None, 3 / 4),
        ([[1, 1], [0, 1]], 2 / 3),
        ([[0, 3], [1, 0]], 1 / 4),
        ([1, 3], 7 / 8),
        ([[1], [3]], 7 / 8),
    ],
)
def test_values_worked_out_by_hand(weights, expected):
    metric = ElementwiseBinaryAccuracy()
    assert float(metric(LABELS, PROBABILITIES, sample_weight=weights)) == pytest.approx(expected)


def test_threshold():
    metric = ElementwiseBinaryAccuracy(threshold=0.7)  # right, wrong, wrong, right
    assert float(metric(LABELS, PROBABILITIES)) == 0.5
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert copy.threshold == 0.7
    assert float(copy(LABELS, PROBABILITIES)) == 0.5


@pytest.mark.parametrize("threshold", [0, 1.0, -2])
def test_bad_threshold(threshold):
    with pytest.raises(
        ValueError, match=rf"`threshold` must be a finite number above 0 and below 1.*threshold={threshold}"
    ):
        ElementwiseBinaryAccuracy(threshold=threshold)
