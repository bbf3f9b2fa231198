"""MetaBalance's weights by hand."""

import numpy as np
import pytest

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of


def _steps(weighting, *jacobians, names=("a", "b", "c")):
    """Returns the weights of consecutive steps."""
    num_tasks = len(jacobians[0])
    weighting.task_names = names[:num_tasks]
    weighting.build(num_tasks)
    ones = np.ones(num_tasks, "float32")
    return [np.array(weighting(gramian_of(np.array(j)).astype("float32"), ones, ones)) for j in jacobians]


def test_the_mean_length_goes_most_of_the_way_to_that_of_the_primary():
    first, second = _steps(w.MetaBalance(primary="a"), [[3.0, 4.0], [0.0, 2.0]], [[3.0, 4.0], [0.0, 4.0]])
    np.testing.assert_allclose(first, [1.0, 0.7 * 5 / 2 + 0.3], rtol=1e-5)
    length = (0.9 * 0.1 * 2 + 0.1 * 4) / (1 - 0.9**2)  # corrected for the start at 0
    np.testing.assert_allclose(second, [1.0, 0.7 * 5 / length + 0.3], rtol=1e-5)


def test_at_full_relaxation_all_lengths_are_that_of_the_primary():
    (weights,) = _steps(w.MetaBalance(primary="b", relax=1.0), [[3.0, 4.0], [0.5, 0.0], [0.0, 100.0]])
    np.testing.assert_allclose(weights, [0.1, 1.0, 0.005], rtol=1e-5)


def test_an_unknown_primary_names_the_tasks():
    weighting = w.MetaBalance(primary="x")
    weighting.task_names = ("a", "b")
    with pytest.raises(ValueError, match=r"unknown task 'x'. The model's tasks: a, b"):
        weighting.build(2)
