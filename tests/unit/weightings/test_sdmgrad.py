"""SDMGrad's default steps minimise its own objective."""

import numpy as np

from mtl_keras import weightings as w

PULL = 0.3


def objective(gramian, weights):
    point = weights + PULL / len(weights)
    return point @ gramian @ point


def least_on_a_grid(gramian):
    """Returns the least objective over the simplex of three weights, 0.02 apart."""
    grid = np.linspace(0.0, 1.0, 51)
    points = [[a, b, 1 - a - b] for a in grid for b in grid if a + b <= 1 + 1e-9]
    return min(objective(gramian, np.array(point)) for point in points)


def test_default_steps_find_the_minimum_from_the_last_batch_on():
    rng, weighting, equal = np.random.default_rng(1), w.SDMGrad(), np.full(3, 1 / 3)
    weighting.build(3)
    for step in range(8):
        j = rng.normal(size=(3, 6)) * rng.lognormal(size=(3, 1))
        gramian = (j @ j.T).astype("float32")
        answer = np.array(weighting(gramian, np.ones(3, "float32"), np.ones(3, "float32")))
        weights = answer * (1 + PULL) - PULL / 3
        np.testing.assert_allclose(weights, weighting.task_weights.numpy(), atol=1e-6)
        least, most = least_on_a_grid(gramian), objective(gramian, equal)
        assert objective(gramian, weights) <= least + 0.05 * (most - least), step


def test_minimum_by_hand():
    """Least (w + 0.15)ᵀ·diag(1, 2)·(w + 0.15) with Σw = 1: both products are equal, 1.3 is shared out as 2 to 1."""
    weighting = w.SDMGrad()
    weighting.build(2)
    weights = weighting(np.diag([1.0, 2.0]).astype("float32"), np.ones(2, "float32"), np.ones(2, "float32"))
    np.testing.assert_allclose(weights, [2 / 3, 1 / 3], atol=5e-4)
