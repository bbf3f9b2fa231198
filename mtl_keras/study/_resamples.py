"""Metrics on resampled test rows: they show how much a metric depends on the choice of the rows."""

from typing import Any

import keras
import numpy as np

_SEED = 20_260_101  # the same for all runs, so resample i has the same rows in each


def resampled(model: Any, batches: Any, count: int) -> dict[str, list[float]]:
    """Returns `{task: its first metric on `count` resamples of the rows}`; tasks without a metric are left out.

    Args:
        model: A compiled model.
        batches: The test data, a `tf.data.Dataset`.
        count: Number of bootstrap resamples. Resample i has the same rows for every model.

    Raises:
        ValueError: If predictions or labels have different shapes in different batches.
    """
    y, predicted, weights = _gathered(model, batches)
    found = {t: of_rows(model, t, y[t], predicted[t], weights and weights[t], count) for t in model.task_names}
    return {task: of for task, of in found.items() if of}


def of_rows(model: Any, task: str, y: Any, predicted: Any, weight: Any, count: int) -> list[float]:
    """Returns a task's first metric on resamples of the rows; an empty list for a task without a metric."""
    objective = model.objectives[task]
    if not (objective.task_metrics or objective.weighted_metrics):
        return []
    rng, found = np.random.default_rng(_SEED), []
    for _ in range(count):
        rows = rng.integers(len(y), size=len(y))
        of_all = figures(model, task, y[rows], predicted[rows], None if weight is None else weight[rows])
        found.append(next(iter(of_all.values())))
    return found


def figures(model: Any, task: str, y: Any, predicted: Any, weight: Any) -> dict[str, float]:
    """Returns `{metric: figure}` of a task's metrics, for predictions as `predict` returns them."""
    objective = model.objectives[task]
    objective.reset_state()
    y, predicted = keras.ops.convert_to_tensor(y), keras.ops.convert_to_tensor(predicted)
    weight = None if weight is None else keras.ops.convert_to_tensor(weight)
    predictions, objective.predictions = objective.predictions, None
    try:
        objective.update_state(y, predicted, weight, None, 0.0, 1.0)
    finally:
        objective.predictions = predictions
    names = [metric.name for metric in (*objective.task_metrics, *objective.weighted_metrics)]
    found = {name[len(task) + 1 :]: float(value) for name, value in objective.result().items()}
    return {name: found[name] for name in names}


def _gathered(model, batches):
    """Returns labels, predictions and weights of all rows, each a dict by task; the weights can be None."""
    labels, predictions, weights = [], [], []
    for x, y, *weight in batches:
        labels.append(y)
        predictions.append(model.predict_on_batch(x))
        weights += weight
    if weights and not isinstance(weights[0], dict):
        weights = [dict.fromkeys(model.task_names, weight) for weight in weights]
    return _joined(labels), _joined(predictions), _joined(weights) if weights else None


def _joined(parts):
    parts = [{task: np.asarray(value) for task, value in part.items()} for part in parts]
    try:
        return {task: np.concatenate([part[task] for part in parts]) for task in parts[0]}
    except ValueError as failure:
        raise ValueError(
            "`resamples` need labels and predictions of one shape in all batches of `test`. Pass them as one batch."
        ) from failure
