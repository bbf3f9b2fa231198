"""Turns the loss and metric arguments of `compile` into the objectives of the tasks."""

import keras
from keras import ops

from mtl_keras._arguments import by_task, number
from mtl_keras.losses import ElementwiseBinaryCrossentropy, PairwiseAUC
from mtl_keras.models.lookup import as_loss, as_metric, computes_any, takes_one_hot
from mtl_keras.models.objective import Objective

_CHANGING = "For weights that change in training use `weighting=mtl_keras.weightings.Schedule({task: function})`."
OF_YES_AND_NO = ("binary_crossentropy", "binary_focal_crossentropy")


def make_objectives(model, loss, loss_weights, metrics, weighted_metrics):
    """Returns `{task: Objective}` from the tasks and the arguments of `compile`, which override them."""
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
            float(number(f"loss_weights[{name!r}]", weights.get(name, 1.0), at_least=0, hint=_CHANGING)),
            [as_metric(m, head) for m in keras.tree.flatten(metrics.get(name, []))],
            [as_metric(m, head) for m in keras.tree.flatten(weighted_metrics.get(name, []))],
            class_weight=task and _class_weight(task),
            predictions=head and head.predictions,
            label_range=head.label_range if head and _takes_labels_of(head, task_loss) else None,
            one_hot=takes_one_hot(task_loss),
        )
    return objectives


def _takes_labels_of(head, loss):
    """Whether a loss accepts the labels of the head: it is of the head's own kind, for yes and no, or for classes."""
    if head.label_range is None or getattr(loss, "ignore_class", None) is not None:
        return False
    if head.label_range == (0, 1):
        own = isinstance(loss, (ElementwiseBinaryCrossentropy, PairwiseAUC)) or computes_any(loss, OF_YES_AND_NO)
    else:
        own = takes_one_hot(loss) is False
    return own or type(loss) is type(head.loss())


def _class_weight(task):
    """Returns the function of labels and output that gives the factors of the labels; None without class weights."""
    if not task.class_weight:
        return None
    factors = [task.class_weight.get(label, 1.0) for label in range(task.head.num_classes)]
    return lambda y, y_pred: task.head.class_weights(ops.convert_to_tensor(factors, "float32"), y, y_pred)


def _resolved(names, argument, given, defaults):
    """Returns an argument of `compile` by task, overriding the defaults of the tasks."""
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
