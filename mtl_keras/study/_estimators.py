"""Estimators of scikit-learn, one for each task, as baselines."""

import time
from typing import Any

import numpy as np

from mtl_keras._extras import need
from mtl_keras.study._resamples import figures, of_rows
from mtl_keras.study._run import Rule


def by_tasks(given: Any, tasks: list[str]) -> dict[str, dict[str, Any]]:
    """Returns `{name: {task: estimator}}` for the `baselines` of a comparison, or raises a ValueError."""
    if given is not None and not isinstance(given, dict):
        raise ValueError(f"`baselines` must be a dict {{name: estimator}}. Received: {given!r}.")
    found = {}
    for name, estimator in (given or {}).items():
        of_tasks = estimator if isinstance(estimator, dict) else dict.fromkeys(tasks, estimator)
        if set(of_tasks) != set(tasks) or not all(map(_is_estimator, of_tasks.values())):
            raise ValueError(
                f"`baselines[{name!r}]` must be an estimator of scikit-learn, or a dict {{task: estimator}} with the "
                f"tasks {tasks}. Received: {estimator!r}. Call the class first if it is one."
            )
        found[name] = of_tasks
    return found


def run(estimators: dict[str, Any], model: Any, rule: Rule, seed: int) -> dict[str, Any]:
    """Fits an estimator for each task, and returns the record of the run.

    Args:
        estimators: `{task: estimator}`, which are cloned, with the seed as `random_state`.
        model: A compiled model, whose metrics evaluate the predictions.
        rule: How to train; its data are used. Rows without a label of the task are left out.
        seed: The seed.
    """
    clone = need("sklearn.base", "study", "`baselines=`").clone
    start = time.perf_counter()
    results: dict[str, Any] = {"valid": {}, "test": {}, "history": {}, "epoch": {}, "flags": [], "estimator": True}
    train, parts = rule.train.rows(seed), {"valid": rule.valid, "test": rule.test}
    held_out = {part: data.rows(seed) for part, data in parts.items() if data is not None}
    for task, estimator in estimators.items():
        estimator = clone(estimator)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed)
        x, y, weight = _labelled(*_rows_of(train, task))
        options = {} if weight is None or (weight == 1).all() else {"sample_weight": weight}
        estimator.fit(x, y, **options)
        for part, rows in held_out.items():
            x, y, weight = _rows_of(rows, task)
            predicted = _predictions(estimator, x, model.output[task].shape)
            results[part][task] = figures(model, task, y, predicted, weight)
            if part == "test" and rule.resamples:
                found = of_rows(model, task, y, predicted, weight, rule.resamples)
                results.setdefault("resampled", {}).update({task: found} if found else {})
    results["seconds"] = time.perf_counter() - start
    return results


def _is_estimator(thing):
    return hasattr(thing, "fit") and hasattr(thing, "predict") and not isinstance(thing, type)


def _rows_of(rows, task):
    """Returns the inputs as a matrix, and the labels and weights of a task."""
    x, y, weights = rows
    y, weight = y[task], None if weights is None else weights[task]
    if isinstance(x, dict):
        x = np.concatenate([np.asarray(column).reshape(len(y), -1) for column in x.values()], axis=1)
    return np.asarray(x).reshape(len(y), -1), y, weight


def _labelled(x, y, weight):
    """Returns the rows that have a label."""
    if weight is None:
        return x, y, None
    there = weight.reshape(len(y), -1).all(axis=1)
    return x[there], y[there], weight[there]


def _predictions(estimator, x, shape):
    """Returns predictions in the form of the task's head: probabilities or values."""
    if not hasattr(estimator, "classes_"):
        return np.asarray(estimator.predict(x), "float32").reshape(len(x), -1)
    classes = np.asarray(estimator.classes_, int)
    complete = np.zeros((len(x), max(2, shape[-1])), "float32")
    complete[:, classes] = _probabilities(estimator, x)
    return complete[:, 1:] if shape[-1] == 1 else complete


def _probabilities(estimator, x):
    """Returns a column of probabilities for each class, computed from scores if the classifier has no probabilities.

    The predicted class always has the highest one.
    """
    count, places = len(estimator.classes_), np.searchsorted(estimator.classes_, estimator.predict(x))
    if count == 1:
        return np.ones((len(x), 1))
    if hasattr(estimator, "predict_proba"):
        found = np.array(estimator.predict_proba(x))
    elif hasattr(estimator, "decision_function"):
        scores = estimator.decision_function(x)
        scores = np.stack([0 * scores, scores], axis=1) if scores.ndim == 1 else scores
        found = np.exp(scores - scores.max(axis=1, keepdims=True))
        found /= found.sum(axis=1, keepdims=True)
    else:
        found = np.eye(count)[places]
    rows, top = np.arange(len(x)), found.argmax(axis=1)
    found[rows, top], found[rows, places] = found[rows, places], found[rows, top]
    return found
