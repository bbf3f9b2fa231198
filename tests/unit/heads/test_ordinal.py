"""The ordinal head by hand."""

import numpy as np
import pytest

from mtl_keras.heads import Ordinal

ABOVE = np.array([[0.9, 0.6, 0.2], [0.4, 0.3, 0.1], [1.0, 0.8, 0.75]], "float32")  # of a rank above 0, 1 and 2


def test_the_rank_is_the_median():
    np.testing.assert_array_equal(Ordinal(4).predictions(ABOVE), [2, 0, 3])


def test_the_probabilities_of_ranks_are_the_differences():
    found = np.array(Ordinal(4, predict="probabilities").predictions(ABOVE))
    np.testing.assert_allclose(found, [[0.1, 0.3, 0.4, 0.2], [0.6, 0.1, 0.2, 0.1], [0, 0.2, 0.05, 0.75]], atol=1e-6)


def test_what_an_export_decides():
    head = Ordinal(4, predict="probabilities")
    decoded = head.decode(head.predictions(ABOVE))
    np.testing.assert_array_equal(decoded["label"], [2, 0, 3])
    np.testing.assert_allclose(decoded["score"], [0.4, 0.6, 0.75], atol=1e-6)


def test_the_loss_is_that_of_each_threshold():
    """Label 2 is above 0 and 1, and not above 2."""
    loss = Ordinal(4).loss()(np.array([2]), ABOVE[:1])
    assert float(loss) == pytest.approx(-np.log(0.9) - np.log(0.6) - np.log(0.8), rel=1e-5)
