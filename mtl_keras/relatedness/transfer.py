"""What each task gains from being trained with each other one."""

import functools
import itertools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from mtl_keras._arguments import error
from mtl_keras.relatedness.matrix import Matrix
from mtl_keras.study import compare

_TOGETHER = "together"


def transfer(
    build: Callable,
    tasks: list[str],
    train: Any,
    valid: Any,
    test: Any,
    *,
    seeds: int = 5,
    epochs: int = 20,
    patience: int | None = None,
    batch_size: int = 32,
    directions: dict[str, str] | None = None,
    storage: str | os.PathLike | None = None,
    name: str = "transfer",
    workers: int = 1,
    seed: int = 0,
    verbose: bool = True,
) -> Matrix:
    """Trains every pair of tasks together and each task alone, and returns what each gains from each.

    The gain of task j from task i is the difference of j's first metric on `test` between the model of both and the
    model of j alone, in per cent of the latter. Each pair is a `study.compare` with equal budgets and seeds. This is
    what the cheaper measures are meant to predict. It says nothing about three tasks together, and holds for this
    tower, these data and this budget.

    The cost is three trainings for each pair and seed: 3 · T · (T − 1) / 2 · `seeds`. Needs the extra `study`.

    Args:
        build: Function `build(tasks, sharing="hard")` of a list of task names and a sharing scheme that returns a
            compiled `MultiTaskModel` of these tasks.
        tasks: Names of at least two tasks.
        train, valid, test: As in `study.compare`, with the labels of all tasks.
        seeds: Number of runs of each model. With one there are no intervals.
        epochs: The most epochs of a run.
        patience: A run stops after so many epochs without a better score; None for never.
        batch_size: Number of rows in a batch, for arrays.
        directions: `{metric or task: "max" or "min"}`, as in `study.compare`.
        storage: File of an SQLite database, or URL of a database, where the runs are kept: call it again with the same
            one to go on after an interruption. None keeps them in memory.
        name: Name of the study in the storage; each pair has one of its own, such as `"transfer: age, job"`.
        workers: Number of processes on this machine.
        seed: The first seed.
        verbose: Whether to print a line for each run.

    Returns:
        A `Matrix` with `gain=True`: `values[i, j]` is the gain of task j from task i in per cent, with 95 % intervals
        by Student's t over the seeds, not corrected for the number of pairs. Its `rows` are numbers of seeds; NaN with
        a reason where runs failed.

    Raises:
        ValueError: If `tasks` are no such list, or `study.compare` finds an argument wrong.

    Example:

    ```python
    def build(tasks, sharing="hard"):
        heads = [mtl.Task(name, mtl.heads.Binary()) for name in tasks]
        model = mtl.build_model((2,), heads, tower=mtl.towers.MLP((2,)), sharing=sharing)
        model.compile("adam")
        return model

    y = np.arange(20) % 2
    data = np.stack([y, 1 - y], axis=1), {"a": y, "b": 1 - y}
    matrix = mtl.relatedness.transfer(build, ["a", "b"], data, data, data, seeds=1, epochs=1, verbose=False)
    matrix["a", "b"]  # what b gains from a, in per cent
    ```

    Reference: T. Standley et al., "Which Tasks Should Be Learned Together in Multi-task Learning?", 2020.
    """
    names = list(tasks) if isinstance(tasks, (list, tuple)) else []
    if len(names) < 2 or len(set(names)) < len(names) or not all(isinstance(task, str) for task in names):
        raise ValueError(error("tasks", "a list of at least two distinct names", tasks))
    values, low, high = np.full((3, len(names), len(names)), np.nan)
    np.fill_diagonal(values, 0.0)
    rows, reasons = np.full((len(names), len(names)), seeds), {}
    for i, j in itertools.combinations(range(len(names)), 2):
        pair = [names[i], names[j]]
        found = compare(
            functools.partial(build, pair),
            {_TOGETHER: {"sharing": "hard"}},
            *(_of_pair(part, pair) for part in (train, valid, test)),
            seeds=seeds,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            directions=directions,
            storage=storage,
            name=f"{name}: {pair[0]}, {pair[1]}",
            workers=workers,
            seed=seed,
            verbose=verbose,
        )
        for source, target in ((i, j), (j, i)):
            gain = found.gains[_TOGETHER][names[target]]
            place = source, target
            values[place], low[place], high[place], rows[place] = gain.mean, gain.low, gain.high, gain.seeds
            if np.isnan(gain.mean):
                reasons[names[source], names[target]] = _why(found)
    return Matrix(names, values, "gain in %", rows, low, high, reasons, gain=True)


def _why(found):
    """Returns why a comparison has no gain."""
    errors = [row["error"] for row in found.rows() if row.get("error")]
    return errors[0][:200] if errors else "no run with finite figures"


def _of_pair(part, pair):
    """Returns data with the labels of two tasks alone."""
    if hasattr(part, "element_spec"):
        return part.map(lambda *batch: _selected(batch, pair))
    if callable(part):
        return functools.partial(_drawn, part, pair)
    return _selected(part, pair)


def _drawn(part, pair, seed):
    return _of_pair(part(seed), pair)


def _selected(batch, pair):
    """Returns `(x, y)` or `(x, y, sample_weight)` with two tasks alone in what is by task."""
    x, *rest = batch
    return (x, *({task: of[task] for task in pair} if hasattr(of, "keys") else of for of in rest))
