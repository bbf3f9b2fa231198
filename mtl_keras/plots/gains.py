"""Plots the gains of several candidates on each task."""

import math
import os
from collections.abc import Sequence
from typing import Any

from mtl_keras.plots._matplotlib import import_matplotlib, shorten

_COLOURS = {"gains": "#0072B2", "loses": "#D55E00"}
_MOST_PANELS = 8


def gains(
    gains: dict[str, dict[str, Sequence[float]]],
    baseline: str = "the baseline",
    path: str | os.PathLike | None = None,
    verdicts: dict[str, dict[str, str]] | None = None,
) -> Any:
    """Plots the gains over a baseline with their intervals: one row per candidate and one panel per task.

    The best candidate of the first panel is on top. An interval above 0 is blue, an interval below 0 is orange, and an
    interval that contains 0 is grey. With `verdicts`, an interval is also grey if the correction over all comparisons
    does not support it. An interval that reaches far beyond the others is cut, with an arrow. Needs `pip install
    "mtl_keras[plots]"`.

    Args:
        gains: `{candidate: {task: (mean, low, high)}}`, in per cent; the bounds may be NaN. At most eight tasks are
            drawn.
        baseline: Name of the baseline, for the axis.
        path: File for the picture, such as `"gains.png"`; None to save nothing.
        verdicts: `{task: {candidate: "gains", "loses" or other text}}`, as `study.Comparison.verdicts` returns it; None
            to colour by the interval only.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `gains` is empty.

    Example:

    ```python
    found = {"sum": {"all tasks": (0.5, -0.2, 1.2)}, "pcgrad": {"all tasks": (1.6, 0.2, 2.9)}}
    figure = mtl.plots.gains(found, "single-task")
    [label.get_text() for label in figure.axes[0].get_yticklabels()]  # ['pcgrad', 'sum']
    ```
    """
    if not gains or not all(gains.values()):
        raise ValueError(f"`gains` must hold at least one gain of a candidate on a task. Received: {gains!r}.")
    matplotlib = import_matplotlib("gains")
    tasks = list(next(iter(gains.values())))[:_MOST_PANELS]
    order = sorted(gains, key=lambda name: _rank(gains[name][tasks[0]][0]))
    size = (2.0 + 2.5 * len(tasks), 1.1 + 0.26 * max(3, len(order)))
    figure = matplotlib.figure.Figure(figsize=size, dpi=120, layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
    for axes, task in zip(panels, tasks, strict=True):
        rows = [gains[name][task] for name in order]
        left, right = _limits(rows)
        for y, (mean, low, high) in enumerate(rows):
            if math.isnan(mean):
                continue
            told = "gains" if low > 0 else "loses" if high < 0 else ""
            colour = _COLOURS.get(told if verdicts is None else verdicts[task][order[y]], "0.55")
            if not math.isnan(low):
                axes.plot([max(low, left), min(high, right)], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
                cut = ([(left, "<")] if low < left else []) + ([(right, ">")] if high > right else [])
                for edge, marker in cut:
                    axes.plot([edge], [y], marker=marker, color=colour, markersize=5)
            axes.plot([min(max(mean, left), right)], [y], marker="o", color=colour, markersize=5)
        axes.axvline(0, color="0.3", linewidth=0.8)
        axes.set_title(shorten(task), fontsize=10)
        axes.set_xlim(left - 0.05 * (right - left), right + 0.05 * (right - left))
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(nbins=5))
        axes.grid(axis="x", alpha=0.25)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(order)), [shorten(name) for name in order], fontsize=9)
    panels[0].set_ylim(len(order) - 0.5, -0.5)
    figure.supxlabel(f"gain over {baseline} in %, with its interval", fontsize=9)
    if path is not None:
        figure.savefig(path)
    return figure


def _rank(mean):
    return math.inf if math.isnan(mean) else -mean


def _limits(rows):
    """Returns the limits of an axis: they include all means and 0, and the range of most intervals."""
    means = [mean for mean, _, _ in rows if not math.isnan(mean)] + [0.0]
    halves = sorted((high - low) / 2 for _, low, high in rows if not math.isnan(low))
    reach = 3 * halves[(len(halves) - 1) // 2] if halves else 0.0
    bounds = [b for m, low, high in rows if not math.isnan(low) for b in (max(low, m - reach), min(high, m + reach))]
    left, right = min([*means, *bounds]), max([*means, *bounds])
    return (left, right) if right > left else (left - 1, right + 1)
