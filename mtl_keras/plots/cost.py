"""Plots the gains of candidates against their costs."""

import math
import os
from collections.abc import Sequence
from typing import Any

from mtl_keras.plots._labels import label_points
from mtl_keras.plots._looks import COLOURS
from mtl_keras.plots._matplotlib import import_matplotlib

_FAR = 20  # costs that differ by this factor get a log scale


def cost(
    points: dict[str, Sequence[float]],
    unit: str = "seconds per epoch",
    baseline: str | None = None,
    path: str | os.PathLike | None = None,
) -> Any:
    """Plots the gains of candidates against their costs.

    A candidate is coloured if no cheaper one gains as much; the others are grey. Needs `pip install
    "mtl_keras[plots]"`.

    Args:
        points: `{candidate: (cost, gain, low, high)}`: the gain with its interval in per cent; the bounds may be NaN.
        unit: Unit of the cost, for the axis.
        baseline: Name of a candidate to draw in black.
        path: File for the picture, such as `"cost.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `points` is empty.

    Example:

    ```python
    points = {"single-task": (1.9, 0.0, 0.0, 0.0), "pcgrad": (1.4, 1.6, 0.2, 2.9)}
    figure = mtl.plots.cost(points, baseline="single-task")
    figure.axes[0].get_xlabel()  # 'seconds per epoch'
    ```
    """
    points = {name: point for name, point in points.items() if math.isfinite(point[0]) and math.isfinite(point[1])}
    if not points:
        raise ValueError("`points` must hold at least one candidate with a cost and a gain. Received: none.")
    matplotlib = import_matplotlib("cost")
    figure = matplotlib.figure.Figure(figsize=(6.8, 4.4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    front = [n for n, p in points.items() if not any(_beats(other, p) for other in points.values())]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(front)}
    if baseline is not None:
        colours[baseline] = "black"
    for name, (x, gain, low, high) in points.items():
        colour = colours.get(name, "0.6")
        if not math.isnan(low):
            axes.plot([x, x], [low, high], color=colour, linewidth=1.6, alpha=0.9 if name in colours else 0.35)
        axes.scatter([x], [gain], color=colour, s=36 if name in colours else 18, zorder=3)
    axes.axhline(0, color="0.3", linewidth=0.8)
    costs = [point[0] for point in points.values()]
    if min(costs) > 0 and max(costs) > _FAR * min(costs):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.set_xlabel(unit)
    axes.set_ylabel("gain in %")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(0.12)
    order = sorted(points, key=lambda name: (name != baseline, name not in front))
    label_points(figure, axes, [(name, *points[name][:2], colours.get(name, "0.35")) for name in order])
    if path is not None:
        figure.savefig(path)
    return figure


def _beats(a, b):
    return a[0] <= b[0] and a[1] >= b[1] and tuple(a[:2]) != tuple(b[:2])
