"""ElementwiseMeanSquaredError."""

import numpy as np

from mtl_keras.losses import ElementwiseMeanSquaredError


def test_values_worked_out_by_hand():
    labels, values = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 2.0], [0.0, 6.0]])
    loss = ElementwiseMeanSquaredError()
    np.testing.assert_allclose(loss(labels, values), 14 / 4)  # 1, 0, 9, 4
    np.testing.assert_allclose(loss(labels, values, np.array([[1.0, 1.0], [0.0, 2.0]])), 9 / 4)
    np.testing.assert_allclose(loss(labels, values, np.array([2.0, 1.0])), 15 / 4)
    loss = ElementwiseMeanSquaredError(reduction="mean_with_sample_weight")
    np.testing.assert_allclose(loss(labels, values, np.array([[1.0, 1.0], [0.0, 2.0]])), 9 / 4)
    np.testing.assert_allclose(loss(labels, values, np.array([[1.0, 0.0], [0.0, 0.0]])), 1)
    np.testing.assert_allclose(loss(labels, values, np.array([2.0, 1.0])), 15 / 6)
