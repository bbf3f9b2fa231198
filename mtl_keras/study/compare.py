"""Compares ways to train the same tasks."""

import os
import pathlib
import warnings
from collections.abc import Callable
from typing import Any

from mtl_keras._arguments import choice, count, flag
from mtl_keras.callbacks._directions import check_directions
from mtl_keras.study import _check, _estimators
from mtl_keras.study._data import Data
from mtl_keras.study._equal_size import equal_size as at_equal_size
from mtl_keras.study._plan import Plan
from mtl_keras.study._run import Rule
from mtl_keras.study._runs import file_name, make_runs
from mtl_keras.study._shortlist import shortlist
from mtl_keras.study._stored import stored_before
from mtl_keras.study._workers import run_workers
from mtl_keras.study.comparison import Comparison


def compare(
    build: Callable,
    candidates: dict[str, dict[str, Any]] | str,
    train: Any,
    valid: Any,
    test: Any,
    *,
    baseline: str = "single-task",
    tune: dict[str, Any] | None = None,
    trials: int = 6,
    seeds: int = 5,
    epochs: int = 20,
    patience: int | None = None,
    budget: str = "epochs",
    batch_size: int = 32,
    baselines: dict[str, Any] | None = None,
    directions: dict[str, str] | None = None,
    storage: str | os.PathLike | None = None,
    name: str = "comparison",
    workers: int = 1,
    keep: str | None = None,
    resamples: int = 0,
    equal_size: str | None = None,
    transfer: bool = False,
    subsets: bool = False,
    seed: int = 0,
    verbose: bool = True,
) -> Comparison:
    """Trains candidates with equal budgets and several seeds, and reports which differences from a baseline are real.

    All candidates have the same numbers of epochs, tuning trials and seeds. Tuning uses `valid`, and the results are
    from `test`. The final runs use other seeds than the tuning. Each run keeps the epoch with the best mean gain over
    the baseline on `valid`. If the tasks share nothing, each task is trained as a separate model and keeps the best
    epoch of its own metric.

    Each (candidate, trial, seed) is a trial of an Optuna study. After an interruption, call `compare` again with the
    same storage to continue. To share the work, start the same script on several machines with the URL of one database.
    A run that fails is a row with its error, and is not repeated. A run that was killed is repeated after a minute.

    Args:
        build: Function of parameters that returns a compiled `MultiTaskModel`, or `(model, callbacks)`. A model whose
            tasks share no variables is trained task by task, unless it comes with callbacks, because these may connect
            the tasks.
        candidates: `{name: {parameter of build: value}}`. A value can be a space, which is tuned for this candidate
            only. Or `"shortlist"`: about eight methods that suit the tasks and the tower, for a `build` that takes
            `sharing` and `weighting`.
        train, valid, test: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays or frames; a
            `tf.data.Dataset` of batches; or a function of the seed that returns either. The order of arrays depends on
            the seed, the order of a dataset does not.
        baseline: Name of the candidate to compute gains over. `"single-task"` is added if it is not among the
            candidates and `build` takes `sharing`.
        tune: `{parameter of build: space}` for every candidate that does not set the parameter: `Float`, `Int`,
            `Choice` or `LossWeights`.
        trials: Number of tuning trials of each candidate with parameters to tune: first the defaults of `build`, then
            points spread over the spaces, the same for all candidates.
        seeds: Number of final runs of each candidate.
        epochs: Maximum number of epochs of a run.
        patience: A run stops after this number of epochs without a better score; None for never.
        budget: `"epochs"`: all candidates train for the same number of epochs; `"seconds"`: the others train for the
            mean time of the baseline's final runs.
        batch_size: Number of rows in a batch, for arrays.
        baselines: `{name: scikit-learn estimator or {task: estimator}}`, fitted for each task and seed.
        directions: `{metric or task: "max" or "min"}`, for first metrics that `callbacks.MeanGain` does not know.
        storage: File of an SQLite database, or URL of a database, such as `"postgresql+psycopg://user@host/base"`; None
            keeps everything in memory.
        name: Name of the study in the storage.
        workers: Number of processes on this machine; 1 for this process. They import `build`: put the call under
            `if __name__ == "__main__":`. They are restarted from time to time, because TensorFlow keeps some megabytes
            of every model that a process has trained.
        keep: `"best"` saves the model of each final run at its best epoch in a folder next to the storage.
        resamples: Number of bootstrap resamples of the test rows, such as 200. Final runs are evaluated on each, so
            that the intervals and the verdict include the randomness of the test rows. 0 for none.
        equal_size: Name of an integer parameter of `build`, such as "width". Adds the candidate "baseline, equal size":
            the baseline with the width whose number of parameters is closest to that of `build`'s defaults. Single-task
            models then have no advantage from their size.
        transfer: Whether the report says how useful the features of each task are for the others: linear heads for each
            task are trained on the frozen towers of the others, if the baseline trains the tasks separately.
        subsets: Whether a candidate may have only some of the baseline's tasks, such as a main task with one auxiliary
            task. It is trained on their labels. It has gains in these tasks only, and none over all tasks.
        seed: The first seed.
        verbose: Whether to print a line for each run.

    Returns:
        A `Comparison`: print it for the table and the verdict.

    Raises:
        ValueError: Before any training, if an argument is wrong; `build` fails, does not take a parameter, or does not
            return a compiled model with the same tasks for all candidates (but see `subsets`); data lack the labels of
            a task; or the storage has a study with other settings under this name.
        RuntimeError: If all runs of the baseline fail.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(4)), mtl.Task("odd", mtl.heads.Binary())]

    def build(sharing="hard", weighting=None, rate=0.01):
        model = mtl.build_model((6,), tasks, tower=mtl.towers.MLP((8,)), sharing=sharing)
        model.compile(keras.optimizers.Adam(rate), weighting=weighting)
        return model

    digit = np.arange(60) % 4
    data = np.eye(6)[digit], {"digit": digit, "odd": digit % 2}
    study = mtl.study.compare(build, {"sum": {}}, data, data, data, seeds=2, epochs=1)
    print(study)  # a row for single-task and one for sum, and the verdict
    ```
    """
    _check.check_build(build)
    parts = [Data("train", train, batch_size, shuffle=True), Data("valid", valid, batch_size)]
    parts.append(Data("test", test, batch_size))
    workers = count("workers", workers)
    _check.check_workers(workers, build, parts, storage)
    choice("budget", budget, ("epochs", "seconds"))
    choice("keep", keep, (None, "best"))
    flag("verbose", verbose)
    ways = check_directions(directions)
    patience = None if patience is None else count("patience", patience)
    flag("transfer", transfer)
    flag("subsets", subsets)
    if count("resamples", resamples, at_least=0) not in (0, *range(20, 10_001)):
        raise ValueError(f"`resamples` must be 0, or from 20 to 10,000. Received: resamples={resamples!r}.")
    plan = Plan(
        build=build,
        candidates=_candidates(build, candidates, baseline, parts[0], equal_size),
        tune=_check.check_spaces("tune", _check.check_names("tune", tune or {}, build)),
        baseline=baseline,
        trials=count("trials", trials),
        seeds=list(range(count("seed", seed, at_least=0), seed + count("seeds", seeds))),
        rule=Rule(parts[0], parts[1], parts[2], count("epochs", epochs), patience, None, {}, None, resamples),
        estimators={},
        models=_folder(storage, name) if keep else None,
        equal_seconds=budget == "seconds",
        transfer=transfer,
        subsets=subsets,
    )
    metrics = _check.check_candidates(plan)
    plan.rule.signs = _check.signs_of(metrics, ways)
    plan.estimators = _estimators.by_tasks(baselines, list(metrics))
    _check.check_data(parts, list(metrics))
    twice = sorted(set(plan.estimators) & set(plan.candidates))
    if twice:
        raise ValueError(f"`baselines` must not have the names of candidates. Received: {twice}.")
    plan.data = " ".join(part.fingerprint() for part in parts)
    queue = plan.queue(storage, name)
    about = plan.about(metrics)
    if stored_before(queue, about).get("data", plan.data) != plan.data:
        warnings.warn(
            "The data are not those of the runs in the storage: their first batches differ. Use the same data in "
            f"every call, or use another storage or name than {queue.name!r}.",
            stacklevel=2,
        )
    queue.set_about(about)
    if workers > 1:
        run_workers(workers, make_runs, plan, storage, name, verbose)
    else:
        make_runs(plan, queue, verbose)
    runs = queue.runs()
    plan.reference(runs)
    return Comparison(queue.about(), runs, plan)


def _candidates(build, given, baseline, train, equal):
    """Returns the checked candidates, with the baseline."""
    if isinstance(given, str):
        choice("candidates", given, ("shortlist",))
        given = shortlist(build, train.tasks())
    if not isinstance(given, dict) or not given:
        raise ValueError(
            f'`candidates` must be a dict {{name: parameters of build}}, or "shortlist". Received: {given!r}.'
        )
    if baseline not in given:
        if baseline != "single-task":
            raise ValueError(
                f"`baseline` must be one of the candidates {list(given)}. Received: baseline={baseline!r}."
            )
        given = {baseline: _check.check_names("candidates['single-task']", {"sharing": "single_task"}, build), **given}
    for name in given:
        if not isinstance(name, str) or not name:
            raise ValueError(f"`candidates` must have names that are strings. Received: {name!r}.")
    found = {name: _check.check_names(f"candidates[{name!r}]", params, build) for name, params in given.items()}
    if equal is not None:
        found[f"{baseline}, equal size"] = at_equal_size(build, found[baseline], equal)
    return found


def _folder(storage, name):
    """Returns the folder of the saved models."""
    if isinstance(storage, (str, os.PathLike)) and "://" not in str(storage):
        return str(pathlib.Path(storage).absolute().with_suffix("")) + f"_{file_name(name)}_models"
    return f"{file_name(name)}_models"
