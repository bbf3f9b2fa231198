"""Directions of the weightings that read the rows, worked out independently."""

import numpy as np
import pytest

from mtl_keras import weightings as w

J = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
LOSSES = np.array([0.5, 2.0])


def steps(weighting, *rows, losses=LOSSES):
    """Returns the directions of consecutive steps."""
    weighting.task_names = ("a", "b", "c")[: len(rows[0])]
    weighting.num_parameters = rows[0].shape[1]
    weighting.build(len(rows[0]))
    present = np.ones(len(rows[0]), "float32")
    return [np.array(weighting(r.astype("float32"), losses.astype("float32"), present)) for r in rows]


def _db_mtl(beta):
    y = np.zeros((2, 3))
    for rows in (J, 2 * J):
        y = beta * y + (1 - beta) * rows / LOSSES[:, None]
        norms = np.linalg.norm(y, axis=1)
        yield norms.max() * (y / norms[:, None]).sum(0)


def _excess_mtl(rate):
    risks = [np.abs(J).sum(1), (4 * J**2 / np.sqrt(5 * J**2)).sum(1)]
    weights = np.exp(rate * risks[1] / risks[0])
    return [[1, 1, 1], weights / weights.sum() @ (2 * J)]


VALUES = {
    "db_mtl": (lambda: w.DBMTL(beta=0.9), list(_db_mtl(0.9))),
    "excess_mtl": (lambda: w.ExcessMTL(learning_rate=1.0), _excess_mtl(1.0)),
    # y = J / 2, then λ = projection of (1/2, 1/2) - 0.1 y yᵀ (1/2, 1/2) = (0.55, 0.3), that is (0.625, 0.375).
    "moco": (w.MoCo, [[-0.125, 0.5, 0.5], None]),
    "graddrop": (lambda: w.GradDrop(leak=1.0, seed=0), [[2, 2, 2], [4, 4, 4]]),
    "trimmed_mean": (lambda: w.TrimmedMean(trim=0), [[1, 1, 1], [2, 2, 2]]),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    make, expected = VALUES[name]
    for actual, direction in zip(steps(make(), J, 2 * J), expected, strict=True):
        if direction is not None:
            np.testing.assert_allclose(actual, direction, rtol=1e-5, atol=1e-6)


def test_moco_second_step():
    tracked = 0.5 * J
    beta, gamma = 0.5 / 2**0.5, 0.1 / 2**0.5
    tracked = tracked + beta * (2 * J - tracked)
    point = np.array([0.625, 0.375]) - gamma * tracked @ tracked.T @ [0.625, 0.375]
    first = np.clip((1 + point[0] - point[1]) / 2, 0, 1)  # the projection on a simplex of two
    actual = steps(w.MoCo(), J, 2 * J)[1]
    np.testing.assert_allclose(actual, [first, 1 - first] @ tracked, rtol=1e-5)


def test_trimmed_mean_drops_the_extremes_of_each_coordinate():
    rows = np.array([[-9.0, 1.0], [2.0, 3.0], [4.0, 99.0]])
    np.testing.assert_allclose(steps(w.TrimmedMean(trim=1), rows, losses=np.ones(3))[0], [2, 3])


def test_trimmed_mean_of_fewer_tasks_than_it_drops_is_the_median():
    weighting = w.TrimmedMean(trim=2)
    weighting.build(5)
    rows = np.array([[1.0], [2.0], [0.0], [6.0], [0.0]], "float32")
    direction = weighting(rows, np.ones(5, "float32"), np.array([1, 1, 0, 1, 0], "float32"))
    np.testing.assert_allclose(np.array(direction), [2.0])
    with pytest.raises(ValueError, match="`trim` must be an integer from 0 to 1"):
        w.TrimmedMean(trim=2).build(4)


def test_graddrop_draws_the_sign_with_the_probability_of_its_share():
    rows = np.repeat([[-1.0], [2.0], [1.0]], 20000, axis=1)
    direction = steps(w.GradDrop(seed=3), rows, losses=np.ones(3))[0]
    assert set(np.unique(direction)) == {-1.0, 3.0}
    np.testing.assert_allclose(np.mean(direction == 3.0), 0.75, atol=0.01)


def test_graddrop_gives_a_leak_of_the_dropped_entries():
    rows = np.repeat([[-1.0], [1.0]], 100, axis=1)
    direction = steps(w.GradDrop(leak=0.25, seed=3), rows)[0]
    np.testing.assert_allclose(np.unique(direction), [-0.75, 0.75])


def test_excess_mtl_moves_weight_to_the_gradient_that_stays():
    fading = [np.diag([1.0, 1.0]), np.diag([0.1, 1.0]), np.diag([0.1, 1.0])]
    last = steps(w.ExcessMTL(learning_rate=1.0), *fading)[-1]
    assert last[1] > 0.5 > last[0] / 0.1
