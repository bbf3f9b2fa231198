"""Makes of what `compile` was told about losses and metrics the objectives of the tasks."""

import keras

from mtl_keras.models import check
from mtl_keras.models.objective import Objective, as_loss, as_metric


def make_objectives(model, loss, loss_weights, metrics, weighted_metrics):
    """Returns `{task: Objective}` from the tasks and from what `compile` was given over them."""
    names = model.task_names
    tasks = {task.name: task for task in model.tasks}
    loss = _by_task(names, "loss", loss, {t: task.loss or task.head.loss() for t, task in tasks.items()})
    weights = _by_task(names, "loss_weights", loss_weights, {t: task.weight for t, task in tasks.items()})
    own_metrics = {t: task.head.metrics() if task.metrics is None else task.metrics for t, task in tasks.items()}
    metrics = _by_task(names, "metrics", metrics, own_metrics)
    weighted_metrics = _by_task(names, "weighted_metrics", weighted_metrics, {})
    without_loss = [name for name in names if loss.get(name) is None]
    if without_loss:
        raise ValueError(
            f"`loss` lacks the tasks {without_loss}, which would not be trained. Expected the keys {names}."
        )
    objectives = {}
    for name in names:
        weight = weights.get(name, 1.0)
        if not isinstance(weight, (int, float)) or not weight >= 0:
            raise ValueError(f"`loss_weights[{name!r}]` must be a number of at least 0. Received: {weight!r}.")
        task, task_loss, units = tasks.get(name), as_loss(loss[name]), model.output[name].shape[-1]
        objectives[name] = Objective(
            name,
            task_loss,
            float(weight),
            [as_metric(m, name, task_loss, units) for m in keras.tree.flatten(metrics.get(name, []))],
            [as_metric(m, name, task_loss, units) for m in keras.tree.flatten(weighted_metrics.get(name, []))],
            class_weight=task and task.class_weight,
            num_classes=task and task.head.num_classes,
            serve=task and task.head.serve,
            label_range=task.head.label_range if _is_default(task_loss, task) else None,
        )
    return objectives


def _is_default(loss, task):
    """Whether a loss is of the kind of the head's own, which takes the labels that the head says."""
    return task is not None and task.head.label_range is not None and type(loss) is type(task.head.loss())


def _by_task(names, argument, given, defaults):
    """Returns what `compile` was given for an argument, by task, over the tasks' own."""
    if given is None:
        return defaults
    if isinstance(given, dict):
        check.check_names(argument, given, names)
        return {**defaults, **given}
    if isinstance(given, (list, tuple)) and given and len(names) > 1:
        raise ValueError(
            f"`{argument}` must be a dict by task name with keys out of {names}, "
            f"so that nothing depends on an order. Received: {argument}={given!r}."
        )
    return dict.fromkeys(names, given)
