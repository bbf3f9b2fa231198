"""The crossentropy of ranks, by hand and beside Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.losses import OrdinalCrossentropy


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
