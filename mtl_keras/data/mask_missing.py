"""Turns missing labels into label 0 with weight 0."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import by_task
from mtl_keras._types import Tensor, Tensors


def mask_missing(
    y: dict[str, Tensor], sample_weight: Tensors | None = None, missing: Any = "auto"
) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Sets missing labels to 0 and gives them weight 0.

    A label of weight 0 adds nothing to a loss. It is set to 0 as well, because 0 times NaN is NaN, and -1 is not a
    class. Only TensorFlow operations are used: it works on arrays and on batches in `dataset.map`.

    By default NaN is missing in a float label and -1 in an integer label. Integer labels with negative values of
    another meaning, such as -1 and 1 for no and yes, need an entry in `missing`.

    Args:
        y: Labels, `{task: array}`, each of shape [N] or [N, ...].
        sample_weight: Weights to multiply with: `{task: array}` with every task, or one array for all, each of shape
            [N] or of the shape of its labels.
        missing: Value of missing labels: `"auto"` as above, one value for all tasks, or `{task: value}`. `None` means
            that no label of this task is missing; tasks without an entry are `"auto"`. A value that the dtype of a task
            cannot represent is never found.

    Returns:
        A tuple `(y, sample_weight)` of dicts with every task. The weights are float32. They have the shape of the
        labels if rows have several elements and some of them may be missing, else the shape [N].

    Raises:
        ValueError: If a name is not a task, labels are not an array, or it is not clear whether -1 means a missing
            label: in an integer label with other negative values, or with only -1 and 1.

    Example:

    ```python
    y = {"age": np.array([31.0, np.nan]), "digit": np.array([7, 2])}
    y, sample_weight = mtl.data.mask_missing(y)
    print(y["age"].numpy(), sample_weight["age"].numpy())  # [31.  0.] [1. 0.]
    ```
    """
    if not isinstance(y, dict) or not y:
        raise ValueError(f"`y` must be a dict {{task: labels}} with at least one task. Received: {type(y).__name__}.")
    missing = by_task("missing", missing, y) if isinstance(missing, dict) else dict.fromkeys(y, missing)
    if not isinstance(sample_weight, dict):
        sample_weight = dict.fromkeys(y, sample_weight)
    by_task("sample_weight", sample_weight, y, complete=True)
    masked = {
        task: _mask(task, _as_tensor(task, label), sample_weight[task], missing.get(task, "auto"))
        for task, label in y.items()
    }
    return {task: pair[0] for task, pair in masked.items()}, {task: pair[1] for task, pair in masked.items()}


def _as_tensor(task, label):
    """Returns labels as a tensor of known rank, or raises a ValueError that names the task."""
    name = f"`y[{task!r}]`"
    if label is None:
        raise ValueError(f"{name} must be an array. Received: None. Pass missing labels as NaN or -1.")
    if isinstance(label, tf.RaggedTensor | tf.SparseTensor):
        raise ValueError(
            f"{name} must be an array. Received: a {type(label).__name__}. Pad it, such as by `to_tensor()`."
        )
    try:
        tensor = tf.convert_to_tensor(label)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers. Received: something else ({error}).") from error
    if tensor.shape.rank is None:
        raise ValueError(
            f"{name} must have a known number of axes. Received: labels of unknown shape. Set it by "
            "`tf.ensure_shape(label, [None])`, or by the `output_signature` of the dataset."
        )
    return tensor


def _mask(task, label, weight, value):
    """Returns the label and its weight, both set to 0 where the label is missing."""
    absent = _absent(task, label, value)
    by_row = all(size == 1 for size in label.shape[1:])  # one element per row: [N], [N, 1]
    if absent is not None and by_row:
        absent = tf.reshape(absent, [-1])  # [N]
    rows = tf.shape(label)[:1]
    weight = tf.ones(rows) if weight is None else tf.cast(weight, tf.float32)
    weight = _fit(task, weight, label, by_element=absent is not None and not by_row)
    if absent is not None:
        weight = tf.where(absent, 0.0, weight)
    empty = _like(weight, label) == 0
    dirty = tf.zeros_like(label, tf.bool) if absent is None else tf.reshape(absent, tf.shape(label))
    if label.dtype.is_floating:
        dirty |= tf.math.is_nan(label) & empty
    return tf.where(dirty, tf.zeros_like(label), label), weight


def _absent(task, label, value):
    """Returns which elements of a label are missing; None if none can be missing."""
    dtype = label.dtype
    if isinstance(value, str) and value == "auto":
        if dtype.is_floating:
            return tf.math.is_nan(label)
        if not dtype.is_integer or dtype.is_unsigned:
            return None
        label = _only_minus_one(task, label)
        return label == tf.constant(-1, dtype)
    if value is None or isinstance(value, str) != (dtype == tf.string):
        return None
    if dtype.is_floating and math.isnan(value):
        return tf.math.is_nan(label)
    if dtype.is_integer and not (float(value).is_integer() and dtype.min <= value <= dtype.max):
        return None
    return label == tf.constant(value, dtype)


def _only_minus_one(task, label):
    """Returns the integer label, after a check that -1 can only mean a missing label."""
    minus_one = tf.constant(-1, label.dtype)
    text = (
        f"`y[{task!r}]` is an integer label with negative values other than -1, so -1 may be a value "
        f"or a missing label. Choose one: `missing={{{task!r}: -1}}`, or another value, or None if nothing "
        "is missing."
    )
    if not tf.executing_eagerly():  # one batch does not show the values of the others
        with tf.control_dependencies([tf.debugging.assert_greater_equal(label, minus_one, message=text)]):
            return tf.identity(label)
    if tf.reduce_any(label < minus_one) and tf.reduce_any(label == minus_one):
        raise ValueError(text)
    if set(np.unique(label)) == {-1, 1}:
        raise ValueError(
            f"`y[{task!r}]` holds only the integers -1 and 1, so -1 may mean no or a missing label. Choose one: "
            f"if it means no, code the labels as 0 and 1, such as by `(y + 1) // 2`; if they are values, "
            f"`missing={{{task!r}: None}}`; if it means missing, `missing={{{task!r}: -1}}`."
        )
    return label


def _fit(task, weight, label, *, by_element):
    """Returns the weight with the shape [N], or with the shape of the label if it has one value per element."""
    rank = len(label.shape)
    if len(weight.shape) == 2 and weight.shape[1] == 1:
        weight = tf.reshape(weight, [-1])
    if len(weight.shape) not in (1, rank) or not weight.shape[:1].is_compatible_with(label.shape[:1]):
        raise ValueError(
            f"The weights of {task!r} must have the shape [N] or that of its labels, {label.shape}. "
            f"Received: `sample_weight` of shape {weight.shape}."
        )
    return tf.broadcast_to(_like(weight, label), tf.shape(label)) if by_element else weight


def _like(weight, label):
    """Returns the weight with as many axes as the label."""
    shape = tf.concat([tf.shape(weight), tf.ones(len(label.shape) - len(weight.shape), tf.int32)], axis=0)
    return tf.reshape(weight, shape)
