"""Answers instead of numbers: the labels of a task and their scores."""

import tensorflow as tf


def check_labels(labels, tasks, heads):
    """Returns `{task: list of names}`.

    Args:
        labels: What the user gave: `{task: names of the labels, in their order}` or None.
        tasks: Names of the exported tasks.
        heads: `{task: head}`, of the tasks whose head is known.
    """
    if labels is None:
        return {}
    if not isinstance(labels, dict) or not set(labels) <= set(tasks):
        raise ValueError(f"`labels` must be a dict by task name out of {list(tasks)}. Received: labels={labels!r}.")
    labels = {task: list(names) for task, names in labels.items()}
    for task, names in labels.items():
        count = heads[task].num_labels if task in heads else None
        if count is None:
            head = type(heads[task]).__name__ if task in heads else "no head that is known"
            raise ValueError(f"`labels` can name only what a head decides. Received: task {task!r}, which has {head}.")
        if len(names) != count or not all(isinstance(name, str) for name in names):
            raise ValueError(f"`labels[{task!r}]` must be {count} strings. Received: {names!r}.")
    return labels


def decoder(labels, heads, top_k=None, values=True):
    """Returns a function that adds to the outputs `{task: tensor}` what they decide, as `<task>_label` and so on.

    Args:
        labels: `{task: list of names}`: the tasks to decode.
        heads: `{task: head}`.
        top_k: As in `Head.decode`.
        values: Whether the outputs of the tasks that are decoded stay beside it.
    """

    def decode(outputs):
        decoded = {task: y for task, y in outputs.items() if values or task not in labels}
        for task in [task for task in outputs if task in labels]:
            for what, tensor in heads[task].decode(outputs[task], top_k).items():
                is_label = what in ("label", "top_label")
                decoded[f"{task}_{what}"] = tf.gather(tf.constant(labels[task]), tensor) if is_label else tensor
        return decoded

    return decode


def check_names(tasks, labels, heads):
    """Raises a ValueError if what a task decides would have the name of another task."""
    for task in labels:
        taken = {f"{task}_{what}" for what in ("label", "score", "top_label", "top_score", "box", "count")} & set(tasks)
        if taken:
            raise ValueError(
                f"`labels[{task!r}]` makes outputs that have the names of tasks: {sorted(taken)}. "
                "Use `postprocess=False`, or other names of tasks."
            )
