"""Turns the losses and metrics that `compile` was given into the objectives of the tasks."""

import keras

from mtl_keras._arguments import by_task, number
from mtl_keras.models.lookup import as_loss, as_metric
from mtl_keras.models.objective import Objective


def make_objectives(model, loss, loss_weights, metrics, weighted_metrics):
    """Returns `{task: Objective}` from the tasks and from what `compile` was given over them."""
    names = model.task_names
    tasks = {task.name: task for task in model.tasks}
    loss = _resolved(names, "loss", loss, {t: task.loss or task.head.loss() for t, task in tasks.items()})
    weights = _resolved(names, "loss_weights", loss_weights, {t: task.weight for t, task in tasks.items()})
    own_metrics = {t: task.head.metrics() if task.metrics is None else task.metrics for t, task in tasks.items()}
    metrics = _resolved(names, "metrics", metrics, own_metrics)
    weighted_metrics = _resolved(names, "weighted_metrics", weighted_metrics, {})
    without_loss = [name for name in names if loss.get(name) is None]
    if without_loss:
        raise ValueError(
            f"`loss` lacks the tasks {without_loss}, which would not be trained. Expected the keys {names}."
        )
    objectives = {}
    for name in names:
        task, task_loss = tasks.get(name), as_loss(loss[name])
        head = task and task.head
        objectives[name] = Objective(
            name,
            task_loss,
            float(number(f"loss_weights[{name!r}]", weights.get(name, 1.0), at_least=0)),
            [as_metric(m, head) for m in keras.tree.flatten(metrics.get(name, []))],
            [as_metric(m, head) for m in keras.tree.flatten(weighted_metrics.get(name, []))],
            class_weight=task and task.class_weight,
            num_classes=head and head.num_classes,
            predictions=head and head.predictions,
            label_range=head.label_range if _is_default(task_loss, task) else None,
        )
    return objectives


def _is_default(loss, task):
    """Whether a loss is of the kind of the head's own, which takes the labels that the head says."""
    return task is not None and task.head.label_range is not None and type(loss) is type(task.head.loss())


def _resolved(names, argument, given, defaults):
    """Returns what `compile` was given for an argument, by task, over the tasks' own."""
    if given is None:
        return defaults
    if isinstance(given, dict):
        by_task(argument, given, names)
        return {**defaults, **given}
    if isinstance(given, (list, tuple)) and given and len(names) > 1:
        raise ValueError(
            f"`{argument}` must be a dict by task name with keys out of {names}, "
            f"so that nothing depends on an order. Received: {argument}={given!r}."
        )
    return dict.fromkeys(names, given)
