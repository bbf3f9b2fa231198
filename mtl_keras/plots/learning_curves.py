"""Plots one metric over the epochs, for several candidates with several runs each."""

import math
import os
import statistics
from collections.abc import Sequence
from typing import Any

from mtl_keras.plots._looks import COLOURS
from mtl_keras.plots._matplotlib import import_matplotlib, label_ends, set_scale, shorten, tidy

_MANY = 8  # with more candidates, those in the middle are grey
_EXTREMES = 3


def learning_curves(
    curves: dict[str, Sequence[Sequence[float]]], label: str, path: str | os.PathLike | None = None
) -> Any:
    """Plots a metric over the epochs: the mean of the runs of each candidate, in a band of one standard deviation.

    With more than eight candidates, the three that end highest and the three that end lowest are coloured; the others
    are grey. If some runs did not reach an epoch, the mean is over the others. Needs `pip install "mtl_keras[plots]"`.

    Args:
        curves: `{candidate: curves}`, one curve per run, with one number per epoch.
        label: Name of the metric.
        path: File for the picture, such as `"curves.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `curves` has no curve.

    Example:

    ```python
    curves = {"sum": [[0.5, 0.7, 0.8], [0.6, 0.7, 0.9]], "pcgrad": [[0.6, 0.8, 0.9], [0.6, 0.9, 0.9]]}
    figure = mtl.plots.learning_curves(curves, "digit accuracy")
    figure.axes[0].get_ylabel()  # 'digit accuracy'
    ```
    """
    bands = {name: _band(runs) for name, runs in curves.items() if any(len(run) for run in runs)}
    if not bands:
        raise ValueError(f"`curves` must hold at least one curve of a candidate. Received: {curves!r}.")
    matplotlib = import_matplotlib("learning_curves")
    figure = matplotlib.figure.Figure(figsize=(6.8, 4.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    order = sorted(bands, key=lambda name: bands[name][-1][0])
    bold = order if len(order) <= _MANY else [*order[:_EXTREMES], *order[-_EXTREMES:]]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(name for name in bands if name in bold)}
    ends = []
    for name, band in sorted(bands.items(), key=lambda pair: pair[0] in bold):
        epochs, colour = list(range(1, len(band) + 1)), colours.get(name, "0.75")
        means = [mean for mean, _ in band]
        marker = "o" if len(band) < 12 and name in bold else None
        axes.plot(epochs, means, color=colour, linewidth=1.8 if name in bold else 0.8, marker=marker, markersize=3.5)
        if name in bold:
            low, high = [mean - sd for mean, sd in band], [mean + sd for mean, sd in band]
            axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
            ends.append((shorten(name), epochs[-1], means[-1], colour))
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    longest = max(map(len, bands.values()))
    tidy(axes, matplotlib, range(1, longest + 1))
    set_scale(axes, [[mean for mean, _ in band] for band in bands.values()])
    label_ends(figure, axes, ends)
    if path is not None:
        figure.savefig(path)
    return figure


def _band(runs):
    """Returns `(mean, standard deviation)` of the runs for each epoch."""
    found = []
    for epoch in range(max(map(len, runs))):
        values = [run[epoch] for run in runs if epoch < len(run) and math.isfinite(run[epoch])]
        mean = statistics.fmean(values) if values else math.nan
        found.append((mean, statistics.stdev(values) if len(values) > 1 else 0.0))
    return found
