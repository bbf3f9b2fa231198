"""group_tasks, against all groupings looked through one by one."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.relatedness import Matrix, group_tasks
from mtl_keras.relatedness.group_tasks import _good


def _groupings(tasks):
    """Yields all ways to split a list into groups."""
    if not tasks:
        yield []
        return
    first, *rest = tasks
    for groups in _groupings(rest):
        yield [[first], *groups]
        for i in range(len(groups)):
            yield [*groups[:i], [first, *groups[i]], *groups[i + 1 :]]


def _score(values, groups):
    """The sum over the tasks of the mean of what the others of the group do to each."""
    return sum(np.mean([values[i, j] for i in group if i != j]) for group in groups if len(group) > 1 for j in group)


def _names(num):
    return [f"t{i}" for i in range(num)]


@pytest.mark.parametrize(("num_groups", "max_size"), [(1, None), (2, None), (3, None), (3, 3), (4, 2), (7, 1)])
def test_the_best_of_all_groupings(num_groups, max_size):
    values = np.random.default_rng(num_groups).normal(size=(7, 7))
    groups = group_tasks(Matrix(_names(7), values, gain=True), num_groups, max_size)
    found = [[int(name[1:]) for name in group] for group in groups]
    fitting = [g for g in _groupings(list(range(7))) if len(g) == num_groups and max(map(len, g)) <= (max_size or 7)]
    assert sorted(task for group in found for task in group) == list(range(7))
    assert (len(found), max(map(len, found)) <= (max_size or 7)) == (num_groups, True)
    assert _score(values, found) == pytest.approx(max(_score(values, groups) for groups in fitting))


def test_by_hand_and_in_a_model():
    """a and c help each other; b harms both. Of correlations the size counts, so that a and b belong together."""
    values = np.array([[0, -0.9, 0.5], [-0.9, 0, -0.1], [0.5, -0.1, 0]])
    assert group_tasks(Matrix(["a", "b", "c"], values, gain=True), 2) == [["a", "c"], ["b"]]
    assert group_tasks(Matrix(["a", "b", "c"], values), 2) == [["a", "b"], ["c"]]
    groups = group_tasks(Matrix(["a", "b", "c"], values), 2)
    tasks = [mtl.Task(name, mtl.heads.Binary()) for name in "abc"]
    model = mtl.build_model((3,), tasks, tower=mtl.towers.MLP((2,)), sharing=mtl.sharing.Hard(groups=groups))
    assert model.task_names == ["a", "b", "c"]


def test_unknown_numbers_count_as_0():
    values = np.array([[0, np.nan, -0.5], [np.nan, 0, 0.1], [-0.5, -0.3, 0]])
    assert group_tasks(Matrix(["a", "b", "c"], values, gain=True), 2) == [["a", "b"], ["c"]]


@pytest.mark.parametrize("max_size", [None, pytest.param(6, marks=pytest.mark.slow)])
def test_thirty_tasks_of_five_factors(max_size):
    """Labels of 30 tasks from five common factors: the groups are the factors."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(5, 300))
    y = {f"t{i}": factors[i % 5] + 0.8 * rng.normal(size=300) for i in range(30)}
    groups = group_tasks(mtl.relatedness.labels(y, "pearson"), 5, max_size)
    assert groups == [[f"t{i}" for i in range(factor, 30, 5)] for factor in range(5)]


def test_the_heuristic_is_near_the_best():
    for seed in range(5):
        values = np.random.default_rng(seed).normal(size=(10, 10))
        np.fill_diagonal(values, 0)
        best = group_tasks(Matrix(_names(10), values, gain=True), 3, 5)
        found, most = _good(values, 3, 5), _score(values, [[int(name[1:]) for name in group] for group in best])
        assert 0.85 * most <= _score(values, found) <= most + 1e-9


def test_sizes_that_merging_alone_does_not_reach():
    """15 tasks into 5 groups of at most 3 must be groups of exactly 3."""
    groups = group_tasks(Matrix(_names(15), np.random.default_rng(0).normal(size=(15, 15))), 5, 3)
    assert [len(group) for group in groups] == [3] * 5


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.eye(3), 2), "`matrix` must be a mtl_keras.relatedness.Matrix"),
        ((Matrix(_names(3), np.eye(3)), 4), "`num_groups` must be an integer from 1 to 3"),
        ((Matrix(_names(3), np.eye(3)), 1, 2), "`num_groups` times `max_size` must be at least the number of tasks"),
        ((Matrix(_names(3), np.eye(3)), 2, 0), "`max_size` must be an integer of at least 1"),
    ],
)
def test_wrong_arguments(arguments, text):
    with pytest.raises(ValueError, match=text):
        group_tasks(*arguments)
