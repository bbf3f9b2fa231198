"""Plots the weights of the tasks."""

import os
from typing import Any

import keras

from mtl_keras.plots._looks import curve_style, task_looks
from mtl_keras.plots._matplotlib import (
    draw_curve,
    import_matplotlib,
    label_ends,
    set_scale,
    shorten,
    start_at_zero,
    tidy,
)
from mtl_keras.plots._source import is_path, read_columns, rising

_MANY_TASKS = 5  # above it, the pale lines are left out


def task_weights(
    source: keras.callbacks.Callback | dict[str, list] | str | os.PathLike, path: str | os.PathLike | None = None
) -> Any:
    """Plots the weight of each task over time.

    The names are beside the ends of the curves, from the largest to the smallest weight. The axis starts at 0 unless
    the weights are close to each other; it is logarithmic if they differ by a factor of 100 or more. Records of many
    steps are drawn as a running mean; with at most five tasks, the record itself is a pale line behind it. Tasks have
    the same colours as in `plots.history`. Needs `pip install "mtl_keras[plots]"`.

    Args:
        source: A `callbacks.LogTaskWeights`, its `history` or the path of its CSV file. It is drawn over the steps, or
            over the epochs if it has one record per epoch. Or the result of `fit` under a weighting, its dict, or the
            path of the file of Keras' `CSVLogger`: they have one `<task>_weight` per epoch.
        path: File for the picture, such as `"weights.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `source` is none of these, or has no weights.

    Example:

    ```python
    import tempfile

    weights = {"digit_weight": [1.0, 1.4, 1.6], "odd_weight": [1.0, 0.6, 0.4]}
    figure = mtl.plots.task_weights(weights, tempfile.mkdtemp() + "/weights.png")
    [line.get_label() for line in figure.axes[0].lines]  # ['digit', 'odd']
    ```
    """
    unit, x, weights = _weights(source)
    matplotlib = import_matplotlib("task_weights")
    looks = task_looks(weights)
    height = max(3.6, 0.8 + 0.16 * len(weights))
    figure = matplotlib.figure.Figure(figsize=(6.4, height), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    ends = []
    for task, values in weights.items():
        style = curve_style(looks[task], len(values))
        shown = draw_curve(axes, x, values, task, pale=len(weights) <= _MANY_TASKS, **style)
        ends.append((shorten(task), x[-1], shown[-1], looks[task][0]))
    axes.set_xlabel(unit)
    axes.set_ylabel("weight")
    tidy(axes, matplotlib, x)
    set_scale(axes, weights.values())
    if axes.get_yscale() == "linear":
        start_at_zero(axes, [value for values in weights.values() for value in values])
    label_ends(figure, axes, ends)
    if path is not None:
        figure.savefig(path)
    return figure


def _weights(source):
    """Returns the unit of time, the times, and `{task: weights}`."""
    columns = read_columns(source) if is_path(source) else getattr(source, "history", source)
    columns = columns if isinstance(columns, dict) else {}
    if "step" in columns and "epoch" in columns:
        places = rising(columns["step"])
        columns = {name: [values[place] for place in places] for name, values in columns.items()}
        weights = {name: values for name, values in columns.items() if name not in ("epoch", "step")}
        epochs = list(columns["epoch"])
        by_epoch = len(set(epochs)) == len(epochs)
        unit, x = ("epoch", [epoch + 1 for epoch in epochs]) if by_epoch else ("step", list(columns["step"]))
    else:
        validation = {f"val_{name}" for name in columns}  # `CSVLogger` of Keras writes these columns without numbers
        names = [name for name in columns if name.endswith("_weight") and name not in validation]
        weights = {name.removesuffix("_weight"): columns[name] for name in names}
        unit, x = "epoch", list(range(1, 1 + max(map(len, weights.values()), default=0)))
    if not x or not weights:
        raise ValueError(
            "`source` must be a `LogTaskWeights` with at least one record, or what `fit` returned under a weighting, "
            f"or a CSV file of either. Received: source={source!r}, without any weight."
        )
    return unit, x, weights
