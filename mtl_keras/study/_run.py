"""One run: a model is built, trained, and evaluated."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras

from mtl_keras._version import __version__
from mtl_keras.callbacks._directions import first_metrics, mean_gain
from mtl_keras.study._apart import apart, shares_nothing
from mtl_keras.study._data import Data, of_tasks
from mtl_keras.study._epochs import BestEpoch, Clock
from mtl_keras.study._flags import flags_of
from mtl_keras.study._memory import peak_megabytes, reset_peak
from mtl_keras.study._resamples import resampled


@dataclasses.dataclass
class Rule:
    """How every run is trained, and how its best epoch is chosen.

    Attributes:
        train, valid, test: The data; `test` may be None.
        epochs: Maximum number of epochs.
        patience: Epochs without a better score after which training stops; None for never.
        seconds: Seconds of training; None for no limit.
        signs: `{task: 1 or -1}`, whether higher figures of its first metric are better.
        reference: `{task: figure}` that gains are relative to; None for the figures of the first epoch.
        resamples: Number of resamples of the test rows.
    """

    train: Data
    valid: Data
    test: Data | None
    epochs: int
    patience: int | None
    seconds: float | None
    signs: dict[str, int]
    reference: dict[str, float] | None = None
    resamples: int = 0


def unpack(built: Any) -> tuple[Any, list[keras.callbacks.Callback]]:
    """Returns the model and the callbacks that `build` returned: a model, or `(model, callbacks)`."""
    if isinstance(built, tuple) and len(built) == 2:
        return built[0], list(built[1])
    return built, []


def fresh(value: Any) -> Any:
    """Returns a copy of an object with state, such as a weighting, so that no two models share one."""
    if isinstance(value, (keras.layers.Layer, keras.optimizers.Optimizer)):
        return type(value).from_config(value.get_config())
    return value


def run(
    make: Callable, rule: Rule, seed: int, on_score: Callable | None = None, complete: bool = True
) -> tuple[dict[str, Any], Any]:
    """Builds and trains a model; returns the record of the run, and the model with the weights of the best epoch.

    Args:
        make: Function without arguments that returns a compiled model, or `(model, callbacks)`.
        rule: How to train.
        seed: Seed of the weights, of dropout, and of the order of the data.
        on_score: Function of `(epoch, score)` that returns whether to stop.
        complete: Whether to record test figures, flags and memory too; False for trials that only tune.
    """
    start = time.perf_counter()
    keras.utils.clear_session()  # frees the graphs of the last run; otherwise memory would grow
    keras.utils.set_random_seed(seed)
    reset_peak()
    model, callbacks = unpack(make())
    parts = apart(model) if shares_nothing(model) and not callbacks else {None: model}
    results: dict[str, Any] = {"valid": {}, "test": {}, "history": {}, "epoch": {}}
    clocks, data = [], (rule.train.batches(seed), rule.valid.batches(seed))
    for task, part in parts.items():
        clock = Clock(None if rule.seconds is None else rule.seconds / len(parts))
        best = fit(part, task, rule, data, callbacks, clock, on_score)
        clocks.append(clock)
        _record(results, part, task, best, rule, seed, complete)
    results |= {
        "apart": len(parts) > 1,
        "parameters": [part.count_params() for part in parts.values()],
        "seconds_per_epoch": sum(statistics.median(clock.epochs[1:] or clock.epochs) for clock in clocks),
        "training_seconds": sum(sum(clock.epochs) - clock.first for clock in clocks),
        "steps_per_second": sum(clock.steps for clock in clocks) / sum(sum(clock.epochs) for clock in clocks),
        "versions": {"mtl_keras": __version__, "keras": keras.version()},
    }
    if complete:
        batch = next(iter(data[1]))
        results["flags"] = flags_of(model, batch, {} if len(parts) > 1 else results["history"])
        results["megabytes"] = peak_megabytes()
    results["seconds"] = time.perf_counter() - start
    return results, model


def fit(
    model: Any, task: str | None, rule: Rule, data: Any, callbacks: list, clock: Clock, on_score: Callable | None
) -> BestEpoch:
    """Trains a model and restores the weights of its best epoch; returns the `BestEpoch`.

    Args:
        model: A compiled model of all tasks, or of one.
        task: The only task of the model; None for all tasks.
        rule: How to train.
        data: Datasets of training and validation, with all tasks.
        callbacks: Callbacks of the user.
        clock: The `Clock` that measures the epochs.
        on_score: As in `run`.

    Raises:
        FloatingPointError: If no epoch has finite figures.
    """
    train, valid = (of_tasks(part, model.task_names) for part in data)
    best = BestEpoch(_score(model, task, rule), rule.patience, on_score if task is None else None)
    options = {"epochs": rule.epochs if rule.seconds is None else 10**6, "verbose": 0}
    model.fit(train, validation_data=valid, callbacks=[clock, *callbacks, best], **options)
    if best.epoch is None:
        raise FloatingPointError(
            f"No epoch has finite figures of the validation data. The losses were {model.history.history['loss']}."
        )
    return best


def _score(model, task, rule):
    """Returns the function of the logs that chooses the best epoch: the figure of the only task, or the mean gain."""
    names = {t: f"val_{t}_{metric}" for t, metric in first_metrics(model).items()}
    if task is not None:
        return lambda logs: rule.signs[task] * float(logs[names[task]])
    start = dict(rule.reference or {})

    def score(logs):
        figures = {t: float(logs[name]) for t, name in names.items()}
        for t, figure in figures.items():
            start.setdefault(t, figure or 1.0)
        return mean_gain(figures, start, rule.signs)

    return score


def _record(results, model, task, best, rule, seed, complete):
    """Adds the figures of a model to the record of a run."""
    valid = {name.removeprefix("val_"): v for name, v in best.logs.items() if name.startswith("val_")}
    own = {t: {m[len(t) + 1 :]: v for m, v in valid.items() if m.startswith(f"{t}_")} for t in model.task_names}
    results["valid"] |= {t: _of_objective(model, t, figures) for t, figures in own.items()}
    results["epoch"][task or "all"] = best.epoch + 1
    for name, values in model.history.history.items():
        key = f"{task}/{name}" if task and name in ("loss", "val_loss") else name
        results["history"][key] = [float(value) for value in values]
    if complete and rule.test is not None:
        test = of_tasks(rule.test.batches(seed), model.task_names)
        figures = model.evaluate(test, verbose=0, return_dict=True)
        for t in model.task_names:
            own = {m[len(t) + 1 :]: float(v) for m, v in figures.items() if m.startswith(f"{t}_")}
            results["test"][t] = _of_objective(model, t, own)
        if rule.resamples:
            results.setdefault("resampled", {}).update(resampled(model, test, rule.resamples))


def _of_objective(model, task, figures):
    """Returns the figures of a task: its first metric first, its loss last."""
    objective = model.objectives[task]
    names = [m.name for m in (*objective.task_metrics, *objective.weighted_metrics)] + ["loss"]
    return {name: figures[name] for name in names if name in figures}
