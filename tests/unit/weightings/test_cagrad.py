"""CAGrad's optimality: the weights are those of the paper's dual problem."""

import numpy as np
import pytest

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of, jacobians


@pytest.mark.parametrize("c", [0.2, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("kind", ["plain", "conflicting", "orthogonal", "equal rows"])
def test_solves_the_problem_of_the_paper(c, kind):
    j = jacobians()[kind]
    cagrad = w.CAGrad(c=c)
    cagrad.build(3)
    weights = np.float64(cagrad(gramian_of(j), np.ones(3, "float32"), np.ones(3, "float32")))
    mean = j.mean(axis=0)
    added = weights - 1 / 3  # c‖g₀‖ / ‖g_w‖ times a point of the simplex
    assert (added >= -1e-6).all()
    direction = weights @ j
    radius = c * np.linalg.norm(mean)
    np.testing.assert_allclose(np.linalg.norm(direction - mean), radius, rtol=1e-4)
    gains = j @ direction
    # Slackness: only tasks of least gain are added, so no direction in the ball has a greater least gain.
    excess = (gains - gains.min()) / np.abs(gains).max()
    assert np.abs(excess * added).max() <= 1e-4 * added.max()


def test_no_radius_is_the_mean():
    cagrad = w.CAGrad(c=0.0)
    cagrad.build(3)
    weights = cagrad(gramian_of(jacobians()["plain"]), np.ones(3, "float32"), np.ones(3, "float32"))
    np.testing.assert_allclose(weights, 1 / 3, rtol=1e-4)
