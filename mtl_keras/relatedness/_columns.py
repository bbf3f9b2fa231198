"""The labels of tasks as columns of numbers or class codes."""

from typing import Any, NamedTuple

import numpy as np

from mtl_keras._arguments import by_task, choice
from mtl_keras.data._labels import read_labels
from mtl_keras.data._strata import is_class

KINDS = ("binary", "classes", "numbers")


class Labels(NamedTuple):
    """The labels of a task."""

    kind: str  # one of KINDS
    values: np.ndarray  # [N, k] float64; codes from 0 on of classes
    there: np.ndarray  # [N, k] booleans
    sequence: bool  # whether the k are positions, such as the tags of a sentence

    def flat(self, num: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the values, and which are present, for `num` positions per row. [N * num]"""
        repeat = num // self.values.shape[1]
        return np.repeat(self.values, repeat, axis=1).ravel(), np.repeat(self.there, repeat, axis=1).ravel()


def read_columns(y: Any, missing: Any, kinds: Any) -> dict[str, Labels]:
    """Returns `{task: Labels}`.

    Args:
        y: `{task: array [N, ...]}` or a DataFrame.
        missing: As in `mask_missing`.
        kinds: `{task: one of KINDS}` for tasks whose kind the values do not show, or None.
    """
    labels, there = read_labels(y, missing)
    kinds = by_task("kinds", kinds or {}, labels)
    return {task: _column(task, labels[task], there[task], kinds.get(task)) for task in labels}


def pairs(a: Labels, b: Labels) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the pairs of columns of two tasks, on the rows where both are present.

    Sequences are paired by position; a label per row is repeated for the positions. All other columns are paired with
    each other. Two sequences of different lengths have no pairs.
    """
    if a.sequence or b.sequence:
        sizes = {labels.values.shape[1] for labels in (a, b)}
        if len(sizes - {1}) > 1:
            return []
        (x, has_x), (z, has_z) = a.flat(max(sizes)), b.flat(max(sizes))
        return [(x[has_x & has_z], z[has_x & has_z])]
    found = []
    for x, has_x in zip(a.values.T, a.there.T, strict=True):
        for z, has_z in zip(b.values.T, b.there.T, strict=True):
            found.append((x[has_x & has_z], z[has_x & has_z]))
    return found


def _column(task, labels, there, kind):
    flat, known = labels.reshape(len(labels), -1), there.reshape(len(labels), -1)
    present = np.unique(flat[known])
    if kind is None:
        kind = "numbers" if not is_class(labels[there]) else "binary" if len(present) <= 2 else "classes"
    choice(f"kinds[{task!r}]", kind, KINDS)
    if labels.dtype.kind not in "biuf" and kind == "numbers":
        raise ValueError(f"`kinds[{task!r}]` cannot be 'numbers': the labels are not numbers. Use 'classes'.")
    if kind == "binary" and len(present) > 2:
        raise ValueError(f"`kinds[{task!r}]` cannot be 'binary': the labels have {len(present)} values.")
    values = flat.astype("float64") if kind == "numbers" else _codes(flat, known, present)
    return Labels(kind, values, known, kind == "classes" and flat.shape[1] > 1)


def _codes(flat, known, present):
    """Returns the index of each value among the distinct values that are present; 0 for missing values."""
    codes = np.zeros(flat.shape)
    codes[known] = np.searchsorted(present, flat[known])
    return codes
