"""GradNorm's slopes by hand, and where its weights go."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import weightings as w
from mtl_keras.weightings.gradnorm import gradnorm_slopes

pytestmark = pytest.mark.graph


def test_slopes_by_hand():
    gramian = np.diag([4.0, 36.0]).astype("float32")  # norms 2 and 6, mean 4
    losses, initial = np.array([1.0, 3.0], "float32"), np.array([2.0, 2.0], "float32")
    # Progress 0.5 and 1.5 are the rates. Targets: 4 and 4 for alpha=0, 1 and 9 for alpha=2.
    ones = np.ones(2, "float32")
    slopes = gradnorm_slopes(gramian, ones, losses, initial, ones, alpha=0.0)
    np.testing.assert_allclose(slopes, [-0.5, 1.5], rtol=1e-6)
    slopes = gradnorm_slopes(gramian, ones, losses, initial, ones, alpha=2.0)
    np.testing.assert_allclose(slopes, [0.5, -1.5], rtol=1e-6)


def test_weights_even_out_the_norms_and_sum_to_the_number_of_tasks():
    gradnorm = w.GradNorm(alpha=0.0, learning_rate=0.01)
    gradnorm.build(2)
    call = tf.function(gradnorm)
    gramian, ones = tf.constant(np.diag([1.0, 9.0]), "float32"), tf.ones(2)
    for _ in range(300):
        weights = call(gramian, ones, ones).numpy()
        np.testing.assert_allclose(weights.sum(), 2.0, rtol=1e-5)
    np.testing.assert_allclose(weights, [1.5, 0.5], atol=0.05)


def test_a_task_without_a_first_loss_counts_as_neither_ahead_nor_behind():
    gramian, ones = np.diag([4.0, 4.0, 4.0]).astype("float32"), np.ones(3, "float32")
    losses, initial = np.array([1.0, 3.0, 0.0], "float32"), np.array([2.0, 2.0, 0.0], "float32")
    # Progress 0.5 and 1.5 of the first two; all weighted norms are as long as their mean, the target of the third.
    np.testing.assert_allclose(gradnorm_slopes(gramian, ones, losses, initial, ones, alpha=1.0), [1, -1, 0], atol=1e-6)
