"""Nash-MTL's equations and its limit to the length."""

import numpy as np
import pytest

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of, jacobians

ONES = np.ones(3, "float32")


@pytest.mark.parametrize("kind", ["plain", "conflicting", "orthogonal", "equal rows", "uneven"])
def test_equations(kind):
    nash = w.NashMTL(max_norm=None)
    nash.build(3)
    gramian = gramian_of(jacobians()[kind])
    weights = np.float64(nash(gramian, ONES, ONES))
    np.testing.assert_allclose(weights * (gramian @ weights), 1.0, rtol=1e-4)
    assert nash.solver_residual.result() <= 1e-6
    assert nash.solver_fallbacks.result() == 0


@pytest.mark.parametrize("max_norm", [0.5, 1.0, 1.6])
def test_max_norm(max_norm):
    nash = w.NashMTL(max_norm=max_norm)
    nash.build(3)
    j = jacobians()["plain"]
    direction = np.array(nash(gramian_of(j), ONES, ONES)) @ j
    np.testing.assert_allclose(np.linalg.norm(direction), max_norm, rtol=1e-5)


def test_scale_of_a_loss_does_not_matter():
    j = jacobians()["conflicting"]
    nash = w.NashMTL()
    nash.build(3)
    first = np.array(nash(gramian_of(j), ONES, ONES)) @ j
    j = j * np.array([[1e6], [1.0], [1e-6]])
    np.testing.assert_allclose(np.array(nash(gramian_of(j), ONES, ONES)) @ j, first, rtol=2e-4)
