"""Searches one space over everything."""

import os
from collections.abc import Callable
from typing import Any

from mtl_keras._arguments import choice, count, flag
from mtl_keras.callbacks._directions import check_directions
from mtl_keras.study import _check
from mtl_keras.study._data import Data
from mtl_keras.study._run import Rule
from mtl_keras.study._searching import OBJECTIVES, DefaultTrial, Searching
from mtl_keras.study._storage import quiet
from mtl_keras.study._stored import stored_before
from mtl_keras.study._trials import make_reference, make_trials
from mtl_keras.study._workers import run_workers
from mtl_keras.study.search_result import SearchResult


def search(
    build: Callable,
    space: dict[str, Any] | None,
    train: Any,
    valid: Any,
    *,
    objective: str = "mean_gain",
    trials: int = 50,
    epochs: int = 20,
    patience: int | None = None,
    batch_size: int = 32,
    baseline: dict[str, float] | None = None,
    directions: dict[str, str] | None = None,
    storage: str | os.PathLike | None = None,
    name: str = "search",
    workers: int = 1,
    sampler: Any = None,
    pruner: Any = None,
    seed: int = 0,
    verbose: bool = True,
) -> SearchResult:
    """Searches for the parameters of `build` that are best for all tasks together, on `valid`.

    The tree-structured Parzen estimator of Optuna draws the trials. One whose mean gain is below the median of the
    others at the same epoch is pruned. The first trial has the defaults of `build`. With a storage, a search that was
    stopped goes on, and several machines share the work, as in `compare`. What a search found has been chosen on
    `valid`, and looks better there than it is: let it take part in a `compare`.

    Args:
        build: Function of the parameters in `space` that returns a compiled model, or `(model, callbacks)`; or, with
            `space=None`, a function of an Optuna trial that calls its `suggest_float` and so on.
        space: `{parameter of build: Float, Int, Choice or LossWeights}`, over sharing, weighting, widths, rates and
            all that `build` takes.
        train, valid: As in `compare`.
        objective: `"mean_gain"`: one figure, the mean gain of the first metrics; or `"pareto"`: one figure a task,
            without pruning, for the front of the trials that none beats in every task.
        trials: Number of trials, those in the storage included.
        epochs, patience, batch_size: As in `compare`.
        baseline: `{task: figure}` that gains are over; None for the figures of the first trial, which all others then
            wait for.
        directions, storage, name, workers: As in `compare`.
        sampler, pruner: Of Optuna, in place of the defaults.
        seed: Of all runs; without a storage, of the sampler, too.
        verbose: Whether to print a line for each trial.

    Returns:
        A `SearchResult`: print it for the table.

    Raises:
        ValueError: Before anything is trained, if an argument is wrong, as in `compare`.
        RuntimeError: If the first trial fails, to whose figures the others are compared, or all do.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(4)), mtl.Task("odd", mtl.heads.Binary())]

    def build(sharing="hard", rate=0.01):
        model = mtl.build_model((6,), tasks, tower=mtl.towers.MLP((8,)), sharing=sharing)
        model.compile(keras.optimizers.Adam(rate))
        return model

    space = {"sharing": mtl.study.Choice(["hard", "mmoe"]), "rate": mtl.study.Float(1e-3, 1e-1, log=True)}
    digit = np.arange(60) % 4
    data = np.eye(6)[digit], {"digit": digit, "odd": digit % 2}
    found = mtl.study.search(build, space, data, data, trials=2, epochs=1, verbose=False)
    found.best  # {'sharing': ..., 'rate': ...}
    ```
    """
    _check.check_build(build)
    choice("objective", objective, OBJECTIVES)
    parts = [Data("train", train, batch_size, shuffle=True), Data("valid", valid, batch_size)]
    workers, patience = count("workers", workers), None if patience is None else count("patience", patience)
    _check.check_workers(workers, build, parts, storage)
    flag("verbose", verbose)
    if objective == "pareto" and pruner is not None:
        raise ValueError('`pruner` must be None with objective="pareto", as Optuna prunes one figure alone.')
    if space is not None:
        space = _check.check_spaces("space", _check.check_names("space", space, build))
    rule = Rule(parts[0], parts[1], None, count("epochs", epochs), patience, None, {}, baseline)
    trials, seed = count("trials", trials), count("seed", seed, at_least=0)
    searching = Searching(build, space, rule, objective, trials, seed, sampler, pruner)
    with quiet():
        fixed = DefaultTrial(searching.first_trial())
        model = _check.built(lambda: searching.make(fixed), "the first trial")
    metrics = _check.metrics_of(model)
    rule.signs = _check.signs_of(metrics, check_directions(directions))
    _check.check_data(parts, list(metrics))
    if baseline is not None:
        _check_baseline(baseline, list(metrics))
    queue = searching.queue(storage, name)
    about = {"kind": "search", "settings": searching.describe(), "metrics": metrics}
    if not stored_before(queue, about):
        queue.set_about(about)
    if workers > 1:
        make_reference(searching, queue, verbose)
        run_workers(workers, make_trials, searching, storage, name, verbose)
    else:
        make_trials(searching, queue, verbose)
    return SearchResult(queue.about(), queue.study, searching)


def _check_baseline(baseline, tasks):
    if not isinstance(baseline, dict) or set(baseline) != set(tasks) or not all(baseline.values()):
        raise ValueError(
            f"`baseline` must be a dict {{task: figure other than 0}} with the tasks {tasks}. Received: {baseline!r}."
        )
