"""Searches one space of parameters."""

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
    """Searches for the parameters of `build` with the best results over all tasks, on `valid`.

    Optuna's tree-structured Parzen estimator chooses the trials. A trial is pruned if its mean gain is below the median
    of the others at the same epoch. The first trial has the defaults of `build`. With a storage, a stopped search can
    continue, and several machines can share the work, as in `compare`. The result was chosen on `valid`, where it looks
    better than it is: evaluate it with `compare`.

    Args:
        build: Function of the parameters in `space` that returns a compiled model, or `(model, callbacks)`; or, with
            `space=None`, a function of an Optuna trial that calls its `suggest_float` and so on.
        space: `{parameter of build: Float, Int, Choice or LossWeights}`, for sharing, weighting, widths, rates and any
            other parameter of `build`.
        train, valid: As in `compare`.
        objective: `"mean_gain"`: one objective, the mean gain of the first metrics. `"pareto"`: one objective per task,
            without pruning; the result is the Pareto front of the trials.
        trials: Number of trials, including those in the storage.
        epochs, patience, batch_size: As in `compare`.
        baseline: `{task: number}` to compute gains over; None for the results of the first trial, and all others then
            wait for it.
        directions, storage, name, workers: As in `compare`.
        sampler, pruner: Sampler and pruner of Optuna, instead of the defaults.
        seed: Seed of all runs; without a storage, also of the sampler.
        verbose: Whether to print a line for each trial.

    Returns:
        A `SearchResult`: print it for the table.

    Raises:
        ValueError: Before any training, if an argument is wrong, as in `compare`.
        RuntimeError: If all trials fail, or the first one does, which the others are compared with.

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
        raise ValueError('`pruner` must be None with objective="pareto": Optuna prunes by a single figure only.')
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
