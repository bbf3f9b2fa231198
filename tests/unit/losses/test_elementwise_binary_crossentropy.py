"""ElementwiseBinaryCrossentropy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.losses import ElementwiseBinaryCrossentropy


def test_values_worked_out_by_hand():
    labels = np.array([[1.0, 0.0], [1.0, 0.0]])
    probabilities = np.array([[0.5, 0.75], [0.25, 0.5]])
    loss = ElementwiseBinaryCrossentropy(reduction="none")
    # -log of the probability of what is true, in powers of 1/2
    np.testing.assert_allclose(loss(labels, probabilities), np.log(2) * np.array([[1, 2], [2, 1]]), rtol=1e-6)
    loss = ElementwiseBinaryCrossentropy(reduction="mean_with_sample_weight")
    weights = np.array([[1.0, 0.0], [0.5, 0.5]])
    # (1·1 + 0.5·2 + 0.5·1) / 2
    np.testing.assert_allclose(loss(labels, probabilities, weights), 1.25 * np.log(2), rtol=1e-6)


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.graph
def test_confident_errors_keep_their_loss_and_gradient(run_eagerly, policy):
    inputs = keras.Input((2,))
    x = keras.layers.Dense(2, kernel_initializer="identity", use_bias=False, dtype=policy)(inputs)
    model = keras.Model(inputs, keras.layers.Activation("sigmoid", dtype="float32")(x))
    loss = ElementwiseBinaryCrossentropy(reduction="sum")

    def step():
        with tf.GradientTape() as tape:
            value = loss(tf.constant([[0.0, 1.0]]), model(tf.constant([[800.0, -400.0]])), [[1.0, 0.5]])
        return value, tape.gradient(value, model.trainable_weights[0])

    value, gradient = step() if run_eagerly else tf.function(step)()
    assert float(value) == 800 + 0.5 * 400
    np.testing.assert_allclose(gradient, [[800.0, -400.0], [-400.0, 200.0]])
