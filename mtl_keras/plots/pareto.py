"""Plots two metrics of several candidates against each other."""

import os
from collections.abc import Sequence
from typing import Any

from mtl_keras._arguments import choice
from mtl_keras.plots._labels import label_points
from mtl_keras.plots._looks import COLOURS
from mtl_keras.plots._matplotlib import import_matplotlib

_GREY = "0.55"


def pareto(
    figures: dict[str, Sequence[Sequence[float]]],
    labels: Sequence[str],
    directions: Sequence[str] = ("max", "max"),
    baseline: str | None = None,
    path: str | os.PathLike | None = None,
) -> Any:
    """Plots the runs of candidates by two metrics, their means, and the Pareto front.

    A candidate is on the front if no other is better in both metrics. An ellipse is one standard deviation of the runs
    of a candidate with three runs or more. Candidates on the front are coloured, the baseline is black, and the others
    are grey. Names without room are left out; those on the front are the last to be left out. Needs `pip install
    "mtl_keras[plots]"`.

    Args:
        figures: `{candidate: pairs of numbers}`, one pair per run.
        labels: Names of the two metrics.
        directions: `"max"` or `"min"` for each metric: which values are better.
        baseline: Name of a candidate to draw in black.
        path: File for the picture, such as `"pareto.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `figures` has no pairs, or a direction is neither.

    Example:

    ```python
    runs = {"sum": [(0.97, 0.98), (0.96, 0.97), (0.97, 0.97)], "pcgrad": [(0.98, 0.97), (0.98, 0.98), (0.97, 0.98)]}
    figure = mtl.plots.pareto(runs, ["digit accuracy", "odd accuracy"], baseline="sum")
    figure.axes[0].get_xlabel()  # 'digit accuracy'
    ```
    """
    for i, direction in enumerate(directions):
        choice(f"directions[{i}]", direction, ("max", "min"))
    means = {name: _mean(runs) for name, runs in figures.items() if len(runs)}
    if not means:
        raise ValueError(f"`figures` must hold at least one candidate with a pair of numbers. Received: {figures!r}.")
    matplotlib = import_matplotlib("pareto")
    figure = matplotlib.figure.Figure(figsize=(6.4, 5.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    front = _front(means, [1 if direction == "max" else -1 for direction in directions])
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(front)}
    if baseline is not None:
        colours[baseline] = "black"
    few = len(means) <= 12
    for name, (x, y) in means.items():
        colour, bold = colours.get(name, _GREY), name in colours
        if few or bold:
            axes.scatter(*zip(*figures[name], strict=True), s=8, color=colour, alpha=0.4, linewidths=0)
            _add_ellipse(axes, figures[name], (x, y), colour, matplotlib)
        axes.scatter([x], [y], s=42 if bold else 18, color=colour, zorder=3 if bold else 2)
    axes.plot(*zip(*(means[name] for name in front), strict=True), color="0.3", linewidth=0.8, linestyle=":", zorder=1)
    arrows = ["" if direction == "max" else " (lower is better)" for direction in directions]
    axes.set_xlabel(f"{labels[0]}{arrows[0]}")
    axes.set_ylabel(f"{labels[1]}{arrows[1]}")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(0.12)
    order = sorted(means, key=lambda name: (name != baseline, name not in front))
    label_points(figure, axes, [(name, *means[name], colours.get(name, "0.35")) for name in order])
    if path is not None:
        figure.savefig(path)
    return figure


def _mean(runs):
    return tuple(sum(run[i] for run in runs) / len(runs) for i in (0, 1))


def _front(means, signs):
    """Returns the candidates that no other beats in both metrics, in the order of the first metric."""

    def beats(a, b):
        differences = [sign * (u - v) for sign, u, v in zip(signs, a, b, strict=True)]
        return min(differences) >= 0 and max(differences) > 0

    names = [name for name, mean in means.items() if not any(beats(other, mean) for other in means.values())]
    return sorted(names, key=lambda name: means[name])


def _add_ellipse(axes, runs, mean, colour, matplotlib):
    """Draws one standard deviation of the runs, from the axes of their covariance."""
    import numpy as np

    if len(runs) < 3:
        return
    values, vectors = np.linalg.eigh(np.cov(np.transpose(runs)))
    width, height = 2 * np.sqrt(np.maximum(values, 0))
    angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
    style = {"facecolor": colour, "edgecolor": colour, "alpha": 0.15}
    axes.add_patch(matplotlib.patches.Ellipse(mean, width, height, angle=angle, **style))
