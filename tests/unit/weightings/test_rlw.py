"""RLW's distributions."""

import numpy as np
import pytest
from scipy import stats

from mtl_keras.weightings import RLW
from mtl_keras.weightings.rlw import rlw_weights


def test_normal_is_the_softmax_of_standard_normal_draws():
    uniform = np.array([0.1, 0.5, 0.9], "float32")
    draws = stats.norm.ppf(uniform)
    weights = rlw_weights(uniform, np.ones(3, "float32"), distribution="normal")
    np.testing.assert_allclose(np.array(weights), np.exp(draws) / np.exp(draws).sum(), rtol=1e-5)


def test_dirichlet_is_the_share_of_exponential_draws():
    uniform = np.array([0.1, 0.5, 0.9], "float32")
    draws = -np.log(uniform)
    weights = rlw_weights(uniform, np.ones(3, "float32"), distribution="dirichlet")
    np.testing.assert_allclose(np.array(weights), draws / draws.sum(), rtol=1e-5)


@pytest.mark.parametrize("distribution", ["normal", "dirichlet"])
def test_absent_tasks_have_no_share(distribution):
    uniform, present = np.array([0.1, 0.5, 0.9], "float32"), np.array([1, 0, 1], "float32")
    weights = np.array(rlw_weights(uniform, present, distribution=distribution))
    smaller = rlw_weights(uniform[[0, 2]], present[[0, 2]], distribution=distribution)
    np.testing.assert_allclose(weights[[0, 2]], np.array(smaller), rtol=1e-6)
    assert weights[1] == 0.0


def test_equal_seeds_draw_equally_and_every_step_anew():
    first, second = RLW(seed=5), RLW(seed=5)
    losses, present = np.array([1.0, 3.0], "float32"), np.ones(2, "float32")
    values = []
    for weighting in (first, second):
        weighting.build(2)
        values.append([float(weighting(losses, present)) for _ in range(3)])
    assert values[0] == values[1]
    assert len(set(values[0])) == 3


def test_unknown_distribution():
    with pytest.raises(ValueError, match=r"`distribution` must be .* Received: distribution='cauchy'"):
        RLW(distribution="cauchy")
