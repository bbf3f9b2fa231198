"""SentenceAccuracy."""

import numpy as np
import pytest

from mtl_keras.metrics import SentenceAccuracy

LABELS = np.array([[1, 2, 0], [1, -1, -1], [2, 2, 1], [-1, -1, -1]])
TAGS = np.array([[1, 2, 0], [1, 2, 2], [2, 2, 2], [0, 0, 0]])  # right, right, wrong, nothing to say


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (None, 2 / 3),
        ([1.0, 2.0, 1.0, 5.0], 3 / 4),
        ([0.0, 0.0, 1.0, 1.0], 0.0),
        ([[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1]], 1.0),
        ([[2, 4, 0], [1, 1, 1], [1, 1, 1], [1, 1, 1]], 4 / 5),  # 3 + 1 of 3 + 1 + 1
    ],
)
def test_values_worked_out_by_hand(weights, expected):
    assert float(SentenceAccuracy()(LABELS, TAGS, sample_weight=weights)) == pytest.approx(expected)
