"""The shares of tasks and pairs in conflict, by hand."""

import numpy as np
import pytest
from keras import ops

from mtl_keras.linalg.conflict import conflict, conflict_after

GRADIENTS = np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0], [0.0, -3.0]], "float32")
ALL = np.ones(4, "float32")


@pytest.mark.parametrize(
    ("present", "expected"), [(ALL, 3 / 6), ([1.0, 1.0, 0.0, 0.0], 1.0), ([1.0, 0.0, 1.0, 0.0], 0.0)]
)
def test_pairs(present, expected):
    gramian = ops.convert_to_tensor(GRADIENTS @ GRADIENTS.T)
    found = conflict(gramian, ops.convert_to_tensor(np.array(present, "float32")))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_orthogonal_but_for_rounding():
    gramian = ops.convert_to_tensor(np.array([[4.0, -2e-7, -1e-3], [-2e-7, 1.0, 0.0], [-1e-3, 0.0, 1e-4]], "float32"))
    np.testing.assert_allclose(conflict(gramian, ops.ones(3)), 1 / 3, rtol=1e-6)  # the first and the third: -0.05


@pytest.mark.parametrize(
    ("norms", "progress", "present", "expected"),
    [
        ([1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -3.0], ALL, 2 / 4),
        ([1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -3.0], [1.0, 1.0, 0.0, 0.0], 1 / 2),
        ([1.0, 1.0, 1.0, 1.0], [2.0, -2e-7, 0.0, -1.0], ALL, 1 / 4),  # the second is 0 but for rounding
        ([1.0, 1e-7, 1.0, 1.0], [2.0, -2e-7, 0.0, -1.0], ALL, 2 / 4),  # a small gradient, straight against the update
        ([0.0, 1.0, 1.0, 1.0], [0.0, -1.0, 1.0, 1.0], ALL, 1 / 4),
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], ALL, 0.0),
    ],
)
def test_tasks_after_the_update(norms, progress, present, expected):
    arrays = np.diag(np.square(norms)), progress, present
    found = conflict_after(*(ops.convert_to_tensor(np.array(a, "float32")) for a in arrays))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
