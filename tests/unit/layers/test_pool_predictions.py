"""`PoolPredictions`: by hand, kind by kind."""

import numpy as np
import pytest

from mtl_keras.layers import PoolPredictions

A, B = np.array([[0.8, 0.1, 0.1]], "float32"), np.array([[0.2, 0.6, 0.2]], "float32")


def pooled(kind, way, outputs, **options):
    return np.array(PoolPredictions(kind, way, **options)([np.array(x, "float32") for x in outputs]))


def test_classes():
    np.testing.assert_allclose(pooled("classes", "mean", [A, B]), [[0.5, 0.35, 0.15]], rtol=1e-6)
    np.testing.assert_allclose(pooled("classes", "mean", [A, B], weights=[3, 1]), [[0.65, 0.225, 0.125]], rtol=1e-6)
    product = np.sqrt(A * B)
    np.testing.assert_allclose(pooled("classes", "geometric", [A, B]), product / product.sum(), rtol=1e-5)
    votes = (np.array([[2.0, 1.0, 0.0]]) + 0.5 * (2 * A + B) / 3) / 3.5  # the tie counts as half a vote
    np.testing.assert_allclose(pooled("classes", "vote", [A, A, B]), votes, rtol=1e-6)


def test_events_rates_and_numbers():
    np.testing.assert_allclose(pooled("events", "mean", [[[0.2]], [[0.6]]]), [[0.4]], rtol=1e-6)
    odds = np.sqrt(0.25 * 1.5)  # of 0.2 and 0.6
    np.testing.assert_allclose(pooled("events", "geometric", [[[0.2]], [[0.6]]]), [[odds / (1 + odds)]], rtol=1e-5)
    np.testing.assert_allclose(pooled("rates", "geometric", [[[2.0]], [[8.0]]]), [[4.0]], rtol=1e-6)
    np.testing.assert_allclose(pooled("numbers", "vote", [[[2.0]], [[8.0]]]), [[5.0]], rtol=1e-6)


def test_normal():
    outputs = [[[0.0, 1.0]], [[2.0, 3.0]]]
    np.testing.assert_allclose(pooled("normal", "mean", outputs), [[1.0, np.sqrt(6.0)]], rtol=1e-6)  # (1 + 13) / 2 - 1
    np.testing.assert_allclose(pooled("normal", "geometric", outputs), [[0.2, np.sqrt(1.8)]], rtol=1e-5)


def test_weights_of_entries():
    weights = [[1.0, 0.0], [1.0, 1.0]]
    found = pooled("events", "mean", [[[0.2, 0.2]], [[0.6, 0.6]]], weights=weights)
    np.testing.assert_allclose(found, [[0.4, 0.6]], rtol=1e-6)


@pytest.mark.parametrize("weights", [[1.0], [0, 0], [-1, 2], "ab", [np.nan, 1]])
def test_wrong_weights(weights):
    with pytest.raises(ValueError, match="`weights` must be"):
        PoolPredictions("classes", weights=weights)([A, B])


def test_outputs_of_two_shapes():
    with pytest.raises(ValueError, match="`outputs` must have one shape"):
        PoolPredictions("classes")([A, B[:, :2]])
