"""Checks arguments by task name, with errors that list the valid names."""

from keras import ops

from mtl_keras import _arguments
from mtl_keras.data._entering import check_label


def by_task(argument, given, names):
    """Returns labels or sample weights of a batch as a complete dict by task name.

    Args:
        argument: `"y"` or `"sample_weight"`.
        given: Dict by task name; or one array: the labels of the only task, or the weights of every task.
        names: Names of the tasks.
    """
    names = list(names)
    if hasattr(given, "shape") and (len(names) == 1 or argument == "sample_weight"):
        return {name: given for name in names}
    return _arguments.by_task(argument, given, names, complete=True)


def check_shape(task, y, y_pred, sample_weight, expected=None):
    """Raises a ValueError if the static shapes of a task's labels or weights cannot belong to its output.

    Args:
        task: Name of the task.
        y: Labels.
        y_pred: The task's output.
        sample_weight: Weights of the labels, or None.
        expected: Required shape of the labels, with None for sizes that may vary; None for the shape of the output.
    """
    check_label(task, y)
    if sample_weight is not None and len(sample_weight.shape) > len(y_pred.shape):
        raise ValueError(
            f"`sample_weight[{task!r}]` must have shape [batch] or the labels' shape. "
            f"Received shape {tuple(sample_weight.shape)} for an output of shape {tuple(y_pred.shape)}."
        )
    if expected is not None:
        pairs = zip(y.shape, expected, strict=False)
        if len(y.shape) != len(expected) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(
                f"`y[{task!r}]` must have shape {tuple(expected)}, for an output of shape {tuple(y_pred.shape)}. "
                f"Received shape {tuple(y.shape)}."
            )
    elif len(y.shape) == len(y_pred.shape) and y.shape[-1] not in (1, None, y_pred.shape[-1]):
        raise ValueError(
            f"`y[{task!r}]` has shape {tuple(y.shape)}, and the task's output has shape {tuple(y_pred.shape)}. "
            "Their last axes must be equal, or that of the labels must be 1."
        )


def check_kind(task, y, y_pred, objective):
    """Raises a ValueError for one-hot labels if the loss takes class numbers, and the other way round."""
    units, loss = y_pred.shape[-1], objective.loss_function.name
    is_one_hot = len(y.shape) == len(y_pred.shape) and y.shape[-1] != 1
    if objective.one_hot is None or units in (1, None) or is_one_hot == objective.one_hot:
        return
    received = f"Received shape {tuple(y.shape)} for an output of shape {tuple(y_pred.shape)}."
    if objective.one_hot:
        raise ValueError(
            f"`y[{task!r}]` must be one-hot, as the loss {loss!r} takes it. {received} "
            "Use `keras.utils.to_categorical`, or `keras.losses.SparseCategoricalCrossentropy()`."
        )
    raise ValueError(
        f"`y[{task!r}]` must be class numbers, as the loss {loss!r} takes them. {received} "
        "Use `numpy.argmax(y, axis=-1)`, or `keras.losses.CategoricalCrossentropy()`."
    )


def check_ranges(objectives):
    """Raises a ValueError if a task got invalid labels or weights, and resets their counts."""
    for name, objective in objectives.items():
        # An operation, because each replica has its own variable; it reads their sum.
        labels, weights = (int(count) for count in ops.convert_to_numpy(ops.abs(objective.num_wrong)))
        if not labels and not weights:
            continue
        objective.num_wrong.assign([0.0, 0.0])
        if weights:
            raise ValueError(
                f"`sample_weight[{name!r}]` must hold finite numbers of at least 0. Received: {weights} others."
            )
        kind = "labels from {} to {}".format(*objective.label_range) if objective.label_range else "finite numbers"
        raise ValueError(
            f"`y[{name!r}]` must hold {kind}. Received: {labels} outside of that. "
            "Missing labels need sample weight 0, which `mtl_keras.data.from_arrays` gives to -1 and NaN."
        )
