"""How much each task gains from training with each other task."""

import functools
import itertools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from mtl_keras._arguments import error
from mtl_keras.relatedness.matrix import Matrix
from mtl_keras.study import compare

_ALONE = "alone"


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
    """Trains every pair of tasks together and each task alone, and returns the gains of each task from each other.

    The gain of task j from task i is the difference in j's first metric on `test` between the model of both and the
    model of j alone, in per cent of the latter. All models are one `study.compare`, with equal budgets and seeds. The
    cheaper measures try to predict this gain. It says nothing about three tasks together, and is valid for this tower,
    these data and this budget only.

    Cost: `seeds` trainings for each of the T tasks and of the T · (T − 1) / 2 pairs. Needs the extra `study`.

    Args:
        build: Function `build(tasks, sharing="hard")` that returns a compiled `MultiTaskModel` for a list of task names
            and a sharing scheme.
        tasks: Names of at least two tasks.
        train, valid, test: As in `study.compare`, with the labels of all tasks.
        seeds: Number of runs of each model. With one run there are no intervals.
        epochs: Maximum number of epochs of a run.
        patience: A run stops after this number of epochs without a better score; None for never.
        batch_size: Number of rows in a batch, for arrays.
        directions: `{metric or task: "max" or "min"}`, as in `study.compare`.
        storage: File of an SQLite database, or URL of a database, for the runs: after an interruption, call it again
            with the same storage to continue. None keeps the runs in memory.
        name: Name of the study in the storage.
        workers: Number of processes on this machine, which share the pairs. They import `build`, as in `study.compare`.
        seed: The first seed.
        verbose: Whether to print a line for each run.

    Returns:
        A `Matrix` with `gain=True`: `values[i, j]` is the gain of task j from task i in per cent, with 95 % intervals
        by Student's t over the seeds, not corrected for the number of pairs. Its `rows` are numbers of seeds; NaN with
        a reason if runs failed.

    Raises:
        ValueError: If `tasks` is not such a list, or `study.compare` rejects an argument.
        RuntimeError: If the tasks cannot be trained alone.

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
    pairs = {f"{a} with {b}": [a, b] for a, b in itertools.combinations(names, 2)}
    found = compare(
        functools.partial(_built, build),
        {
            _ALONE: {"tasks": names, "sharing": "single_task"},
            **{pair: {"tasks": of, "sharing": "hard"} for pair, of in pairs.items()},
        },
        train,
        valid,
        test,
        baseline=_ALONE,
        subsets=True,
        seeds=seeds,
        epochs=epochs,
        patience=patience,
        batch_size=batch_size,
        directions=directions,
        storage=storage,
        name=name,
        workers=workers,
        seed=seed,
        verbose=verbose,
    )
    errors = {row["candidate"]: row["error"] for row in found.rows() if row.get("error")}
    return _matrix(names, {pair: (of, found.gains[pair]) for pair, of in pairs.items()}, errors)


def _built(build, tasks, sharing):
    return build(list(tasks), sharing=sharing)


def _matrix(names, gains, errors):
    """Returns the matrix of gains.

    Args:
        names: Names of the tasks.
        gains: `{pair: ([task, task], {task: Gain})}`.
        errors: `{pair: error of a run}`.
    """
    values, low, high = np.full((3, len(names), len(names)), np.nan)
    np.fill_diagonal(values, 0.0)
    rows, reasons = np.zeros((len(names), len(names)), int), {}
    for pair, (tasks, of) in gains.items():
        for source, target in (tasks, tasks[::-1]):
            gain, place = of[target], (names.index(source), names.index(target))
            values[place], low[place], high[place], rows[place] = gain.mean, gain.low, gain.high, gain.seeds
            if np.isnan(gain.mean):
                reasons[source, target] = errors.get(pair, "no run with finite figures")[:200]
    return Matrix(names, values, "gain in %", rows, low, high, reasons, gain=True)
