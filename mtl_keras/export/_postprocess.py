"""Turns outputs into decisions: the labels of a task and their scores."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from mtl_keras._arguments import by_task
from mtl_keras._types import Tensor


def check_labels(
    labels: dict[str, Sequence[str]] | None, tasks: Sequence[str], heads: dict[str, Any]
) -> dict[str, list[str]]:
    """Returns `{task: list of names}`.

    Args:
        labels: The value that the user passed: `{task: names of the labels, in their order}` or None.
        tasks: Names of the exported tasks.
        heads: `{task: head}` of the tasks whose heads are known.
    """
    if labels is None:
        return {}
    known = {task: list(names) for task, names in by_task("labels", labels, tasks).items()}
    for task, names in known.items():
        count = heads[task].num_labels if task in heads else None
        if count is None:
            head = type(heads[task]).__name__ if task in heads else "no known head"
            raise ValueError(
                f"`labels` can name only the labels that a head decides on. Received: task {task!r}, which has {head}."
            )
        if len(names) != count or not all(isinstance(name, str) for name in names):
            raise ValueError(f"`labels[{task!r}]` must be {count} strings. Received: {names!r}.")
    return known


def decoder(
    labels: dict[str, list[str]], heads: dict[str, Any], top_k: int | None = None, values: bool = True
) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    """Returns a function that adds decisions to the outputs `{task: tensor}`, as `<task>_label` and so on.

    Args:
        labels: `{task: list of names}`: the tasks to decode.
        heads: `{task: head}`.
        top_k: As in `Head.decode`.
        values: Whether to keep the outputs of the decoded tasks.
    """

    def decode(outputs):
        decoded = {task: y for task, y in outputs.items() if values or task not in labels}
        for task in [task for task in outputs if task in labels]:
            for what, tensor in heads[task].decode(outputs[task], top_k).items():
                is_label = what in ("label", "top_label")
                decoded[f"{task}_{what}"] = tf.gather(tf.constant(labels[task]), tensor) if is_label else tensor
        return decoded

    return decode


def check_names(tasks: Sequence[str], labels: dict[str, list[str]], heads: dict[str, Any]) -> None:
    """Raises a ValueError if the decision of a task would have the name of another task."""
    for task in labels:
        taken = {f"{task}_{what}" for what in ("label", "score", "top_label", "top_score", "box", "count")} & set(tasks)
        if taken:
            raise ValueError(
                f"`labels[{task!r}]` makes outputs that have the names of tasks: {sorted(taken)}. "
                "Use `postprocess=False`, or other names of tasks."
            )
