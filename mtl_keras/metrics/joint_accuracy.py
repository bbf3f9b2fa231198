"""Share of the rows where several tasks are all right."""

import numpy as np

from mtl_keras._types import Tensor


def joint_accuracy(labels: dict[str, Tensor], predictions: dict[str, Tensor], threshold: float = 0.5) -> float:
    """Returns the share of the rows where every task is right, such as the intent and all slots of a sentence.

    A Keras metric reads one output; this function reads the result of `model.predict` for all of them. A label of -1 is
    missing and left out; rows without any label are left out, too. Labels and predictions must have the same order:
    predict on data that is not shuffled.

    Args:
        labels: `{task: integers}`, [N], [N, 1], or with a label for each position, [N, L].
        predictions: `{task: array}` with at least these tasks: probabilities with the classes on one more axis than the
            labels, probabilities of yes of the labels' shape, or classes and tags as integers.
        threshold: Probability above which a prediction is a yes.

    Returns:
        A float in [0, 1]; NaN if no row has a label.

    Raises:
        ValueError: If a task has no predictions, or its shapes do not fit each other.

    Example:

    ```python
    labels = {"intent": np.array([0, 1]), "slots": np.array([[2, 1, -1], [0, 0, 1]])}
    predictions = {"intent": np.array([[0.9, 0.1], [0.6, 0.4]]), "slots": np.array([[2, 1, 1], [0, 0, 1]])}
    mtl.metrics.joint_accuracy(labels, predictions)  # 0.5: the second intent is wrong
    ```

    Reference: B. Liu, I. Lane, "Attention-Based Recurrent Neural Network Models for Joint Intent Detection and Slot
    Filling", 2016, and after it the literature on ATIS, as sentence-level accuracy.
    """
    absent = [task for task in labels if task not in predictions]
    if absent or not labels:
        raise ValueError(f"`predictions` must have the tasks {list(labels)}. Received: {list(predictions)}.")
    right, there = [], []  # by task, [N]
    for task, y in labels.items():
        y, decided = _decided(task, np.asarray(y), np.asarray(predictions[task]), threshold)
        right.append(((y == decided) | (y < 0)).all(axis=1))
        there.append((y >= 0).any(axis=1))
    right, there = np.all(right, axis=0), np.any(there, axis=0)
    return float(right[there].mean()) if there.any() else float("nan")


def _decided(task, y, p, threshold):
    """Returns labels and predicted labels, both [N, ...] with all positions on one axis."""
    shapes = f"labels of shape {y.shape}, predictions of shape {p.shape}"
    if y.shape[1:] == (1,):
        y = y[:, 0]
    if np.issubdtype(p.dtype, np.floating):
        of_classes = p.ndim == y.ndim + 1 and p.shape[-1] > 1
        p = p.argmax(axis=-1) if of_classes else p > threshold
    if y.size != p.size or len(y) != len(p):
        raise ValueError(f"`predictions[{task!r}]` must suit the labels. Received: {shapes}.")
    return y.reshape(len(y), -1), p.reshape(len(y), -1)
