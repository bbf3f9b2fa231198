"""Searches one space over everything."""

import inspect
import os
import time
from collections.abc import Callable
from typing import Any

from mtl_keras._arguments import choice, count, flag
from mtl_keras.callbacks._directions import check_directions, mean_gain
from mtl_keras.study import _check
from mtl_keras.study._data import Data
from mtl_keras.study._plan import first_figures, printed
from mtl_keras.study._queue import Queue, optuna, quiet
from mtl_keras.study._run import Rule, run
from mtl_keras.study._workers import run_workers
from mtl_keras.study.search_result import SearchResult
from mtl_keras.study.spaces import suggest, values_of

OBJECTIVES = ("mean_gain", "pareto")


class Searching:
    """A search as it was called, after its arguments were checked.

    Args:
        build: Function of parameters, or of an Optuna trial without a space.
        space: `{parameter: space}`, or None.
        rule: How to train.
        objective: One of `OBJECTIVES`.
        trials: Number of trials.
        seed: Of every run, and of the sampler.
        sampler, pruner: Of Optuna, or None.
    """

    def __init__(self, build, space, rule, objective, trials, seed, sampler=None, pruner=None):
        self.build, self.space, self.rule, self.objective = build, space, rule, objective
        self.trials, self.seed, self.sampler, self.pruner = trials, seed, sampler, pruner

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions of a trial's values."""
        if self.objective == "mean_gain":
            return ("maximize",)
        return tuple("maximize" if sign > 0 else "minimize" for sign in self.rule.signs.values())

    def queue(self, storage: Any, name: str) -> Queue:
        """Returns the study in the storage."""
        samplers = optuna().samplers
        several = self.objective == "pareto"
        sampler = self.sampler or samplers.TPESampler(seed=None if storage else self.seed, multivariate=False)
        pruner = self.pruner or optuna().pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1)
        options = {"sampler": sampler} if several else {"sampler": sampler, "pruner": pruner}
        return Queue(storage, name, self.directions, **options)

    def make(self, trial: Any) -> Any:
        """Returns what `build` returns for a trial."""
        if self.space is None:
            return self.build(trial)
        return self.build(**values_of(self.space, suggest(trial, self.space)))

    def first_trial(self) -> dict[str, Any]:
        """Returns the numbers of the first trial: the defaults of `build` that lie in the space."""
        numbers: dict[str, Any] = {}
        if self.space is not None:
            defaults = {p.name: p.default for p in inspect.signature(self.build).parameters.values()}
            for name, space in self.space.items():
                numbers |= space.default(name, defaults.get(name)) or {}
        return numbers


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
        RuntimeError: If the first trial fails.

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
    searching = Searching(build, space, rule, objective, count("trials", trials), count("seed", seed, at_least=0))
    searching.sampler, searching.pruner = sampler, pruner
    with quiet():
        fixed = _Any(searching.first_trial())
        model = _check.built(lambda: searching.make(fixed), "the first trial")
    metrics = _check.metrics_of(model)
    rule.signs = _check.signs_of(metrics, check_directions(directions))
    _check.check_data(parts, list(metrics))
    if baseline is not None:
        _check_baseline(baseline, list(metrics))
    queue = searching.queue(storage, name)
    _agree(queue, searching, metrics)
    if workers > 1:
        _until_reference(searching, queue, verbose)
        run_workers(workers, work, searching, storage, name, verbose)
    else:
        work(searching, queue, verbose)
    return SearchResult(queue.about(), queue.study, searching)


def work(searching: Searching, queue: Queue, verbose: bool, most: int | None = None) -> bool:
    """Makes trials of a search, `most` at most; returns whether all are made, here or by other processes."""
    _until_reference(searching, queue, verbose)
    made = 0
    while _taken(queue) < searching.trials:
        if made == most:
            return False
        _one(searching, queue, verbose)
        made += 1
    return True


def _until_reference(searching, queue, verbose):
    """Makes the first trial, whose figures are the reference of the others; none where a baseline is given."""
    with quiet():
        optuna().storages.fail_stale_trials(queue.study)
    if not queue.study.get_trials(deepcopy=False):
        queue.study.enqueue_trial(searching.first_trial())
    while searching.rule.reference is None:
        about = queue.about()
        if "reference" in about:
            searching.rule.reference = about["reference"]
        else:
            _one(searching, queue, verbose)


def _one(searching, queue, verbose):
    """Makes one trial, and stores it."""
    study, several = queue.study, searching.objective == "pareto"

    def objective(trial):
        is_first = searching.rule.reference is None

        def on_score(epoch, score):
            trial.report(score, epoch)
            return not is_first and trial.should_prune()

        callback = None if several else on_score
        try:
            stored, _ = run(lambda: searching.make(trial), searching.rule, searching.seed, callback, complete=False)
        except Exception as error:  # whatever a user's model raises
            trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:1000])
            raise
        figures = first_figures(stored["valid"])
        if is_first:
            queue.set_about({**queue.about(), "reference": figures})
        reference = searching.rule.reference or figures
        gain = mean_gain(figures, reference, searching.rule.signs)
        trial.set_user_attr("run", _short(stored, gain))
        if verbose:
            shown = ", ".join(f"{task} {figure:.4g}" for task, figure in figures.items())
            print(f"trial {trial.number}: {shown}, gain {100 * gain:+.2f} %, {stored['seconds']:.1f} s", flush=True)
        if not several and not is_first and trial.should_prune():
            raise optuna().TrialPruned
        return list(figures.values()) if several else gain

    with quiet():
        study.optimize(objective, n_trials=1, catch=(Exception,))
    last = study.get_trials(deepcopy=False)[-1]
    if searching.rule.reference is None and last.state.name == "FAIL":
        error = last.user_attrs.get("error", "it was stopped")
        raise RuntimeError(f"The first trial failed, to whose figures the others are compared: {error}")


def _taken(queue):
    """Returns how many trials have been made, or are being made."""
    return sum(trial.state.name != "WAITING" for trial in queue.study.get_trials(deepcopy=False))


def _short(stored, gain):
    kept = ("valid", "epoch", "history", "parameters", "seconds", "seconds_per_epoch", "versions")
    return {**{name: stored[name] for name in kept}, "gain": gain, "at": time.time()}


def _check_baseline(baseline, tasks):
    if not isinstance(baseline, dict) or set(baseline) != set(tasks) or not all(baseline.values()):
        raise ValueError(
            f"`baseline` must be a dict {{task: figure other than 0}} with the tasks {tasks}. Received: {baseline!r}."
        )


def _agree(queue, searching, metrics):
    """Stores what the search is, or raises a ValueError if the storage holds another one."""
    settings = {
        "objective": searching.objective,
        "space": None if searching.space is None else {n: printed(s) for n, s in searching.space.items()},
        "epochs": searching.rule.epochs,
        "patience": searching.rule.patience,
        "seed": searching.seed,
        "signs": searching.rule.signs,
        "baseline": searching.rule.reference,
    }
    about, before = {"kind": "search", "settings": settings, "metrics": metrics}, queue.about()
    way_out = f"Use another `storage`, or another name than name={queue.name!r}."
    if before and before["kind"] != "search":
        raise ValueError(f"`storage` holds a comparison under the name {queue.name!r}, no search. {way_out}")
    changed = [name for name, value in settings.items() if before and before["settings"].get(name) != value]
    if changed or (before and before["metrics"] != metrics):
        raise ValueError(f"`storage` holds a search with other settings: {', '.join(changed) or 'metrics'}. {way_out}")
    if not before:
        queue.set_about(about)


class _Any:
    """A trial for the check of `build`: it suggests given numbers, and else the first or lowest value."""

    number = 0

    def __init__(self, params: dict[str, Any]):
        self.params = params

    def suggest_float(self, name: str, low: float, high: float, **options: Any) -> float:
        return self.params.get(name, low)

    def suggest_int(self, name: str, low: int, high: int, **options: Any) -> int:
        return self.params.get(name, low)

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return self.params.get(name, choices[0])
