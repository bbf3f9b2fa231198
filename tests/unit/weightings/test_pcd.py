"""PCD's guarantee, its fallback, and its primary task."""

import numpy as np
import pytest

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of, jacobians

ONES = np.ones(3, "float32")


def built(**arguments):
    pcd = w.PCD(**arguments)
    pcd.build(3)
    return pcd


def test_every_other_task_has_its_progress():
    for kind in ("plain", "conflicting", "uneven"):
        j = jacobians()[kind]
        direction = np.array(built(primary=1, progress=0.2, decay=0.0)(gramian_of(j), ONES, ONES)) @ j
        np.testing.assert_allclose(np.linalg.norm(direction), np.linalg.norm(j[1]), rtol=1e-5)
        unit = j / np.linalg.norm(j, axis=1)[:, None]
        assert (unit[[0, 2]] @ direction > 0).all(), kind


def test_demands_that_exclude_each_other_leave_the_primary_gradient():
    j = jacobians()["opposed rows"]  # the first two
    pcd = built(primary=2)
    np.testing.assert_allclose(pcd(gramian_of(j), ONES, ONES), [0.0, 0.0, 1.0])
    assert pcd.solver_fallbacks.result() == 1


def test_without_the_primary_task_there_is_no_update():
    present = np.array([1.0, 0.0, 1.0], "float32")
    j = jacobians()["plain"] * present[:, None]
    np.testing.assert_array_equal(built(primary=1)(gramian_of(j), ONES, present), 0.0)


def test_the_primary_task_by_name():
    pcd = w.PCD(primary="odd")
    pcd.task_names = ["digit", "odd", "ink"]
    pcd.build(3)
    gramian = gramian_of(jacobians()["conflicting"])
    np.testing.assert_array_equal(pcd(gramian, ONES, ONES), built(primary=1)(gramian, ONES, ONES))
    with pytest.raises(ValueError, match="unknown task 'even'"):
        w.PCD(primary="even").build(3)
