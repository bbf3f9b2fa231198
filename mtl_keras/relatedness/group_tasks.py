"""Finds groups of tasks to train together."""

from typing import Any

import numpy as np

from mtl_keras._arguments import count, error
from mtl_keras.relatedness.matrix import Matrix

_EXACT = 12  # up to this number of tasks, all groupings are searched
_STARTS = 4  # random starts, for more tasks


def group_tasks(matrix: Matrix, num_groups: int, max_size: int | None = None) -> list[list[str]]:
    """Returns which tasks to train together, as groups for `sharing.Hard(groups=...)`.

    Each task belongs to one group. Its score is the mean effect of the other tasks of its group on it, 0 if it is
    alone. The groups have the highest sum of scores over the tasks. For a matrix with `gain=False`, such as
    correlations, absolute values count. An unknown number counts as 0. For up to 12 tasks the groups are optimal. For
    more tasks, they are the best that a search by moves and swaps of single tasks finds from several starts.

    The groups are only as good as the matrix. Cheap measures, including affinity, predict only weakly what tasks gain
    from each other (Azorin et al.); `transfer` measures it. Compare the groups with `"hard"` and `"single_task"` by
    `study.compare` before you rely on them.

    Args:
        matrix: A `Matrix` with at least as many tasks as groups.
        num_groups: Number of groups, at least 1. No group is empty.
        max_size: Maximum number of tasks in a group; None for no limit.

    Returns:
        Lists of names, with tasks and groups in the order of the matrix.

    Raises:
        ValueError: If `matrix` is not a `Matrix`, or the tasks do not fit into this number of groups of this size.

    Example:

    ```python
    values = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]])
    matrix = mtl.relatedness.Matrix(["a", "b", "c"], values)
    groups = mtl.relatedness.group_tasks(matrix, num_groups=2)  # [["a", "b"], ["c"]]
    sharing = mtl.sharing.Hard(groups=groups)
    ```

    Reference: C. Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning", 2021. T. Standley et
    al., "Which Tasks Should Be Learned Together in Multi-task Learning?", 2020. R. Azorin et al., "It's a Match: A
    Benchmark of Task Affinity Scores for Joint Learning", 2023. Departure: groups do not overlap.
    """
    if not isinstance(matrix, Matrix):
        raise ValueError(error("matrix", "a mtl_keras.relatedness.Matrix", matrix))
    num = len(matrix.tasks)
    count("num_groups", num_groups, at_most=num, hint="It is at most the number of tasks.")
    size = num if max_size is None else count("max_size", max_size)
    if num_groups * size < num:
        raise ValueError(
            f"`num_groups` times `max_size` must be at least the number of tasks. Received: {num_groups} times {size} "
            f"for {num} tasks."
        )
    does = np.nan_to_num(matrix.values if matrix.gain else np.abs(matrix.values), posinf=0.0, neginf=0.0)
    np.fill_diagonal(does, 0.0)
    groups = _best(does, num_groups, size) if num <= _EXACT else _good(does, num_groups, size)
    return [[matrix.tasks[i] for i in group] for group in sorted(sorted(group) for group in groups)]


def _best(does: np.ndarray, num_groups: int, size: int) -> list[list[int]]:
    """Returns the groups with the highest score: dynamic programming over sets of tasks and numbers of groups.

    The group of the first task of a set is any subset with this task; the rest is a smaller problem.
    """
    num = len(does)
    members = (np.arange(2**num)[:, None] >> np.arange(num)) & 1  # [2^T, T]
    sizes = members.sum(axis=1)
    scores = ((members @ does) * members).sum(axis=1) / np.maximum(sizes - 1, 1)
    scores[(sizes > size) | (sizes == 0)] = -np.inf
    best, choices = scores, []
    best = best.copy()
    for _ in range(num_groups - 1):
        new, chosen = np.full(2**num, -np.inf), np.zeros(2**num, int)
        for tasks in range(1, 2**num):
            first = tasks & -tasks
            groups = _subsets(tasks ^ first)[:-1] | first  # not all tasks: some must remain
            if len(groups):
                totals = scores[groups] + best[tasks ^ groups]
                chosen[tasks] = groups[np.argmax(totals)]
                new[tasks] = totals.max()
        best = new
        choices.append(chosen)
    found, left = [], 2**num - 1
    for chosen in reversed(choices):
        found.append(chosen[left])
        left ^= chosen[left]
    return [[i for i in range(num) if group >> i & 1] for group in [*found, left]]


def _subsets(tasks: int) -> np.ndarray:
    """Returns all subsets of a set as numbers, ascending; the last one is the set itself."""
    found = np.zeros(1, int)
    while tasks:
        first = tasks & -tasks
        found = np.concatenate([found, found | first])
        tasks ^= first
    return found


def _good(does: np.ndarray, num_groups: int, size: int) -> list[list[int]]:
    """Returns groups with a high score: from several starts, improved by moves and swaps of single tasks."""
    rng = np.random.default_rng(0)
    starts = [_merged(does, num_groups, size)]
    starts += [_dealt(rng.permutation(len(does)).tolist(), num_groups) for _ in range(_STARTS)]
    return max((_improved(does, groups, size) for groups in starts), key=lambda groups: _total(does, groups))


def _improved(does, groups, size):
    """Returns groups that no move or swap improves."""
    while True:
        scores = [_score(does, group) for group in groups]
        for new in _neighbours(groups, size):
            if sum(_score(does, group) - scores[place] for place, group in new.items()) > 1e-9:
                groups = [new.get(place, group) for place, group in enumerate(groups)]
                break
        else:
            return groups


def _merged(does, num_groups, size):
    """Returns groups: starts from single tasks, and repeatedly merges the two groups that gain most."""
    groups = [[i] for i in range(len(does))]
    while len(groups) > num_groups:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a) if len(groups[a]) + len(groups[b]) <= size]
        if not pairs:
            return _dealt(list(range(len(does))), num_groups)
        a, b = max(
            pairs,
            key=lambda p: (
                _score(does, groups[p[0]] + groups[p[1]]) - _score(does, groups[p[0]]) - _score(does, groups[p[1]])
            ),
        )
        groups[b] = groups[b] + groups.pop(a)
    return groups


def _dealt(tasks, num_groups):
    """Returns groups of equal size."""
    return [tasks[i::num_groups] for i in range(num_groups)]


def _neighbours(groups: list[list[int]], size: int) -> Any:
    """Yields `{place: group}` of the changes by a move or a swap."""
    for a, b in ((a, b) for a in range(len(groups)) for b in range(len(groups)) if a != b):
        for i in groups[a]:
            rest = [task for task in groups[a] if task != i]
            if rest and len(groups[b]) < size:
                yield {a: rest, b: [*groups[b], i]}
            if a < b:
                for j in groups[b]:
                    yield {a: [*rest, j], b: [*(task for task in groups[b] if task != j), i]}


def _total(does, groups):
    return sum(_score(does, group) for group in groups)


def _score(does, group):
    """Returns the sum, over the tasks of a group, of the mean effect of the others on the task."""
    return does[np.ix_(group, group)].sum() / max(len(group) - 1, 1)
