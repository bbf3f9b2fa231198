"""Whether higher or lower values of a metric are better."""

from collections.abc import Mapping
from typing import Any

from mtl_keras._arguments import choice

HIGHER = ("accuracy", "acc", "auc", "f1", "precision", "recall", "sensitivity", "specificity", "map", "iou", "io_u")
HIGHER += ("dice", "r2", "r2_score", "correlation", "cosine_similarity", "bleu", "rouge", "score")
LOWER = ("loss", "mae", "mse", "rmse", "mape", "msle", "error", "crossentropy", "divergence", "nll", "perplexity")
LOWER += ("hinge", "poisson", "deviance", "cosh", "distance", "brier")


def sign_of(metric: str, directions: Mapping[str, str], task: str = "") -> int:
    """Returns 1 if higher values of a metric are better, and -1 if lower ones are.

    Args:
        metric: Name of the metric, such as `"binary_accuracy"`. Its last words are looked up in the table above.
        directions: `{metric or task: "max" or "min"}`, overriding the table.
        task: Name of the metric's task.

    Raises:
        ValueError: If neither `directions` nor the table knows the metric.
    """
    for name in (task, metric):
        if name in directions:
            return 1 if directions[name] == "max" else -1
    for sign, words in ((1, HIGHER), (-1, LOWER)):
        if any(metric == word or metric.endswith(f"_{word}") for word in words):
            return sign
    raise ValueError(
        f"`directions` must say whether higher or lower figures of the metric {metric!r} are better. "
        f'Use `directions={{{metric!r}: "max"}}`, or "min".'
    )


def check_directions(directions: Any) -> dict[str, str]:
    """Returns `directions` as a dict, or raises a ValueError for anything but `{name: "max" or "min"}`."""
    if directions is not None and not isinstance(directions, Mapping):
        raise ValueError(f'`directions` must be a dict {{metric: "max" or "min"}}. Received: {directions!r}.')
    return {name: choice(f"directions[{name!r}]", way, ("max", "min")) for name, way in (directions or {}).items()}


def first_metrics(model: Any) -> dict[str, str]:
    """Returns `{task: name of its first metric}` of a compiled `MultiTaskModel`; `"loss"` for tasks without metrics."""
    names = {}
    for task, objective in model.objectives.items():
        metrics = [*objective.task_metrics, *objective.weighted_metrics]
        names[task] = metrics[0].name if metrics else "loss"
    return names


def mean_gain(figures: Mapping[str, float], baseline: Mapping[str, float], signs: Mapping[str, int]) -> float:
    """Returns the mean of ±(figure − baseline) / |baseline| over the tasks of `figures`; all arguments are by task."""
    return sum(signs[t] * (figures[t] - baseline[t]) / abs(baseline[t]) for t in figures) / len(figures)
