"""Losses with a value a row: numbers by hand, from scikit-learn and from scipy."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from sklearn.metrics import mean_pinball_loss

from mtl_keras.losses import GaussianLikelihood, OrdinalCrossentropy, Pinball


def test_ordinal_by_hand():
    p = np.array([[0.5, 0.25], [0.5, 0.25], [0.5, 0.25]])  # of a rank above 0, and above 1
    values = OrdinalCrossentropy(reduction="none")(np.array([0, 1, 2]), p)
    np.testing.assert_allclose(values, -np.log([0.5 * 0.75, 0.5 * 0.75, 0.5 * 0.25]), rtol=1e-5)


def test_ordinal_of_two_ranks_is_the_binary_crossentropy():
    labels, p = np.array([0, 1, 1]), np.array([[0.2], [0.7], [0.4]])
    expected = keras.losses.BinaryCrossentropy()(labels[:, None], p)
    assert float(OrdinalCrossentropy()(labels, p)) == pytest.approx(float(expected), rel=1e-6)


def test_ordinal_keeps_the_loss_and_the_gradient_of_a_confident_error():
    z = tf.constant([[800.0, 600.0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = OrdinalCrossentropy()(np.array([1]), keras.layers.Activation("sigmoid")(z))
    assert float(value) == pytest.approx(600.0)
    np.testing.assert_allclose(tape.gradient(value, z), [[0.0, 1.0]])


def test_pinball_equals_scikit_learn():
    rng = np.random.default_rng(0)
    labels, p, weights = rng.normal(size=20), rng.normal(size=(20, 3)), rng.uniform(size=20)
    loss = Pinball([0.1, 0.5, 0.75], reduction="mean_with_sample_weight")
    expected = [
        mean_pinball_loss(labels, p[:, k], alpha=q, sample_weight=weights) for k, q in enumerate((0.1, 0.5, 0.75))
    ]
    assert float(loss(labels, p, weights)) == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.parametrize("quantiles", [[], [0.0], [0.5, 1.0], [-1]])
def test_bad_quantiles(quantiles):
    with pytest.raises(ValueError, match=r"`quantiles` must be numbers in \(0, 1\). Received: quantiles=\["):
        Pinball(quantiles)


def test_pinball_of_another_width():
    with pytest.raises(ValueError, match=r"`y_pred` must have 2 columns, one a quantile. Received: \(3, 1\)"):
        Pinball([0.1, 0.9])(np.zeros(3), np.zeros((3, 1)))


def test_gaussian_equals_scipy():
    rng = np.random.default_rng(0)
    labels, p = rng.normal(size=10), np.stack([rng.normal(size=10), rng.uniform(0.1, 3, 10)], axis=1)
    expected = -scipy.stats.norm.logpdf(labels, p[:, 0], p[:, 1])
    np.testing.assert_allclose(GaussianLikelihood(reduction="none")(labels, p), expected, rtol=1e-5)
