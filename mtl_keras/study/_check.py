"""Checks of the arguments, before any training."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from mtl_keras._arguments import error
from mtl_keras.callbacks._directions import first_metrics, sign_of
from mtl_keras.study._apart import shares_nothing
from mtl_keras.study._data import Data
from mtl_keras.study._plan import Plan
from mtl_keras.study._run import unpack
from mtl_keras.study.spaces import SPACES, is_space


def check_build(build: Any) -> None:
    """Raises a ValueError unless `build` can be called."""
    if not callable(build):
        raise ValueError(error("build", "a function that returns a compiled model", build))


def check_names(argument: str, given: Any, build: Callable) -> dict[str, Any]:
    """Returns a dict of parameters of `build`, or raises a ValueError for anything else."""
    if not isinstance(given, dict):
        raise ValueError(error(argument, "a dict of parameters of `build`", given))
    taken = inspect.signature(build).parameters.values()
    if any(p.kind == p.VAR_KEYWORD for p in taken):
        return dict(given)
    names = [p.name for p in taken if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"`{argument}` has parameters {unknown} that `build` does not take. It takes {names}.")
    return dict(given)


def check_spaces(argument: str, given: dict[str, Any]) -> dict[str, Any]:
    """Returns a dict of spaces, or raises a ValueError."""
    for name, space in given.items():
        if not is_space(space):
            kinds = ", ".join(kind.__name__ for kind in SPACES)
            raise ValueError(f"`{argument}[{name!r}]` must be one of {kinds}. Received: {space!r}.")
    return given


def check_workers(workers: int, build: Any, data: list[Data], storage: Any) -> None:
    """Raises a ValueError for values that cannot be passed to other processes."""
    if workers == 1:
        return
    if storage is None or not (isinstance(storage, str) or hasattr(storage, "__fspath__")):
        raise ValueError(f'`workers={workers}` need a common storage. Use `storage="study.db"`, or a URL.')
    if "<locals>" in getattr(build, "__qualname__", "") or getattr(build, "__name__", "") == "<lambda>":
        raise ValueError(
            f"`workers={workers}` need to import `build`. Define it at the top of a module. Received: {build!r}."
        )
    for part in data:
        if hasattr(part.given, "element_spec"):
            raise ValueError(
                f"`workers={workers}` cannot get the dataset `{part.name}`. Pass arrays, or a function of the seed, "
                "defined at the top of a module, that returns the dataset."
            )


def check_model(built: Any, where: str) -> Any:
    """Returns the model that `build` returned, or raises a ValueError unless it is a compiled `MultiTaskModel`."""
    model, _ = unpack(built)
    if not hasattr(model, "task_names"):
        raise ValueError(
            f"`build` must return a mtl_keras.MultiTaskModel, or `(model, callbacks)`. Received: {type(model).__name__}"
            f" for {where}."
        )
    if not model.objectives:
        raise ValueError(f"`build` must return a compiled model. Received: one that is not compiled, for {where}.")
    return model


def built(make: Callable, where: str) -> Any:
    """Returns the model that a function makes; raises a ValueError with the error of the user's `build`."""
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    try:
        model = make()
    except Exception as failure:  # a user's function may raise anything
        raise ValueError(f"`build` failed for {where}: {type(failure).__name__}: {failure}") from failure
    return check_model(model, where)


def check_candidates(plan: Plan) -> dict[str, list[str]]:
    """Builds every candidate once, and returns `{task: its metrics}`.

    Raises:
        ValueError: If `build` fails for a candidate, or does not return a compiled model with the tasks of the baseline
            (or some of them, if the plan allows subsets) and the same first metrics.
    """
    found: dict[str, Any] = {}
    names = [plan.baseline, *(name for name in plan.candidates if name != plan.baseline)]
    for name in names:
        drawn = plan.drawn(name, 0) if plan.num_trials(name) else {}
        model = built(lambda name=name, drawn=drawn: plan.make(name, drawn), f"the candidate {name!r}")  # type: ignore[misc]
        metrics = first_metrics(model)
        if not found and plan.transfer and not shares_nothing(model):
            raise ValueError(f"`transfer` needs a baseline that trains the tasks apart. {name!r} shares variables.")
        if not found:
            found = {"model": model, "metrics": metrics}
        expected = {t: m for t, m in found["metrics"].items() if t in metrics or not plan.subsets}
        if set(metrics) != set(expected):
            raise ValueError(
                f"All candidates must have the tasks {list(found['metrics'])} of {names[0]!r}. "
                f"Received: {list(metrics)} for {name!r}."
            )
        if metrics != expected:
            raise ValueError(
                f"All candidates must have the first metrics {expected} of {names[0]!r}. "
                f"Received: {metrics} for {name!r}. Put the same metric first in each task."
            )
    return metrics_of(found["model"])


def metrics_of(model: Any) -> dict[str, list[str]]:
    """Returns `{task: names of its metrics}`; `["loss"]` for a task without metrics."""
    return {
        task: [metric.name for metric in (*o.task_metrics, *o.weighted_metrics)] or ["loss"]
        for task, o in model.objectives.items()
    }


def signs_of(metrics: dict[str, list[str]], directions: dict[str, str]) -> dict[str, int]:
    """Returns `{task: 1 or -1}` of the first metrics; raises a ValueError for an unknown name in `directions`."""
    known = {*metrics, *(name for names in metrics.values() for name in names)}
    unknown = [name for name in directions if name not in known]
    if unknown:
        raise ValueError(f"`directions` has unknown keys {unknown}. Expected tasks or metrics out of {sorted(known)}.")
    return {task: sign_of(names[0], directions, task) for task, names in metrics.items()}


def check_data(data: list[Data], tasks: list[str]) -> None:
    """Raises a ValueError unless each part of the data has labels of every task."""
    for part in data:
        missing = [task for task in tasks if task not in part.tasks()]
        if not missing and len(part.first().element_spec) > 2:
            missing = _without_labels(part, tasks)
        if missing:
            raise ValueError(f"`{part.name}` has no labels of the tasks {missing}. Expected labels of {tasks}.")


def _without_labels(part, tasks):
    """Returns the tasks whose weights are 0 everywhere."""
    missing = set(tasks)
    for _, _, weights in part.first().as_numpy_iterator():
        for task in list(missing):
            if np.any(weights[task] if isinstance(weights, dict) else weights):
                missing.discard(task)
        if not missing:
            break
    return [task for task in tasks if task in missing]
