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


@pytest.mark.parametrize(
    ("progress", "present", "expected"),
    [
        ([1.0, -1.0, 1.0, -3.0], ALL, 2 / 4),
        ([1.0, -1.0, 1.0, -3.0], [1.0, 1.0, 0.0, 0.0], 1 / 2),
        ([2.0, -2e-7, 0.0, -1.0], ALL, 1 / 4),  # the second is 0 but for rounding
        ([2e-9, -2e-9, 0.0, 0.0], ALL, 1 / 4),  # small numbers are no rounding among small numbers
        ([0.0, 0.0, 0.0, 0.0], ALL, 0.0),
    ],
)
def test_tasks_after_the_update(progress, present, expected):
    found = conflict_after(*(ops.convert_to_tensor(np.array(a, "float32")) for a in (progress, present)))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
