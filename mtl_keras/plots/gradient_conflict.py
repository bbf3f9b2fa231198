"""Plots how well the gradients of the tasks agree."""

import itertools
import math
import os
from typing import Any

import keras

from mtl_keras.plots._matplotlib import import_matplotlib, shorten, text_colour
from mtl_keras.plots._pairs import (
    COLOURS,
    LINEAR,
    TICKS,
    draw_extremes,
    draw_heat_map,
    draw_pairs,
    mean_known,
    rank,
    tick_labels,
)
from mtl_keras.plots._source import is_path, read_columns, rising

_MANY_PAIRS = 10  # above it only the extremes have curves, beside a heat map of all pairs
_MANY_TASKS = 12  # above it the cells have no numbers


def gradient_conflict(
    source: keras.callbacks.Callback | str | os.PathLike, path: str | os.PathLike | None = None
) -> Any:
    """Plots the cosines of the tasks' gradients: matrices from start to end, and curves.

    The matrices are means over the first, middle and last third of the records, in colours for [-1, 1]. A pair without
    any cosine has a dash. The colour scale is fixed and finest around 0, so that cosines of ±0.1, which are common,
    differ visibly from 0.

    Below are the curves of the pairs, dashed in the two colours that the tasks have in `plots.history`. With more than
    ten pairs, only the three lowest and the three highest means have curves, beside the mean of all pairs in black. A
    heat map next to them shows all pairs over the steps, with the most conflicting pair at the top. Needs `pip install
    "mtl_keras[plots]"`.

    Args:
        source: A `callbacks.GradientConflict` or the path of its CSV file.
        path: File for the picture, such as `"conflict.pdf"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `source` is neither, or has no records.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks)
    model.compile("adam")
    y = {"digit": np.arange(10), "odd": np.arange(10) % 2}
    conflict = mtl.callbacks.GradientConflict()
    model.fit(np.ones((10, 8, 8)), y, batch_size=2, callbacks=[conflict], verbose=0)
    figure = mtl.plots.gradient_conflict(conflict, "conflict.png")
    [axes.get_title() for axes in figure.axes]  # ['steps 1–2', 'steps 3–4', 'step 5', ...]
    ```
    """
    tasks, steps, curves = _curves(source)
    matplotlib = import_matplotlib("gradient_conflict")
    spans = _spans(len(steps))
    side = min(max(2.0, 0.42 * len(tasks)), 5.5)  # side of a matrix, in inches
    many = len(curves) > _MANY_PAIRS
    width = max(11.0 if many else 6.4, 1.9 + (side + 0.1) * len(spans))
    figure = matplotlib.figure.Figure(figsize=(width, side + 4.1), dpi=120, layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[side + 1.1, 3.0])
    norm = matplotlib.colors.AsinhNorm(LINEAR, vmin=-1, vmax=1)
    panels = top.subplots(1, len(spans), squeeze=False)[0]
    for i, (axes, span) in enumerate(zip(panels, spans, strict=True)):
        parts = {pair: values[span] for pair, values in curves.items()}
        image = _draw_matrix(axes, tasks, parts, norm, label_rows=i == 0)
        axes.set_title(_title(steps[span]), fontsize=10)
    _add_bar(top, image, panels)
    all_axes = bottom.subplots(1, 2 if many else 1, squeeze=False)[0]
    if many:
        ranked = sorted(curves, key=lambda pair: rank(curves[pair]))
        draw_heat_map(all_axes[1], steps, [curves[pair] for pair in ranked], norm, matplotlib)
        draw_extremes(figure, all_axes[0], steps, {pair: curves[pair] for pair in ranked}, matplotlib)
    else:
        draw_pairs(figure, all_axes[0], steps, curves, tasks, matplotlib)
    if path is not None:
        figure.savefig(path)
    return figure


def _curves(source):
    """Returns the tasks, the steps, and `{(task, task): one cosine per step}`."""
    tasks, steps, curves = [], [], {}
    if is_path(source):
        columns = read_columns(source)
        if columns and set(columns) >= {"step", "task_a", "task_b", "cosine"}:
            found = {}
            for step, a, b, cosine in zip(*(columns[n] for n in ("step", "task_a", "task_b", "cosine")), strict=True):
                found.setdefault((str(a), str(b)), {})[int(step)] = float(cosine)  # of a repeated step, the last record
            steps = sorted({step for by_step in found.values() for step in by_step})
            curves = {pair: [by_step[step] for step in sorted(by_step)] for pair, by_step in found.items()}
            tasks = list(dict.fromkeys(task for pair in curves for task in pair))
    elif hasattr(source, "cosines"):
        places = rising(source.steps)
        tasks, steps = list(source.task_names), [source.steps[place] for place in places]
        for (i, a), (j, b) in itertools.combinations(enumerate(tasks), 2):
            curves[a, b] = source.cosines[places, i, j].tolist()
    if not steps or any(len(values) != len(steps) for values in curves.values()):
        raise ValueError(
            "`source` must be a `GradientConflict` with at least one record, or the path of its CSV file. "
            f"Received: source={source!r}."
        )
    return tasks, steps, curves


def _spans(count):
    """Returns the thirds of a number of records, or single records if there are fewer than three."""
    parts = min(count, 3)
    ends = [round(count * i / parts) for i in range(parts + 1)]
    return [slice(begin, end) for begin, end in itertools.pairwise(ends)]


def _title(steps):
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]}–{steps[-1]}"


def _draw_matrix(axes, tasks, parts, norm, label_rows):
    """Draws the mean cosines of the pairs as a coloured square with numbers, and returns the image."""
    matrix = [[math.nan for _ in tasks] for _ in tasks]
    for (a, b), values in parts.items():
        i, j = tasks.index(a), tasks.index(b)
        matrix[i][j] = matrix[j][i] = mean_known(values)
    image = axes.imshow(matrix, cmap=COLOURS, norm=norm)
    for i, j in itertools.product(range(len(tasks)), repeat=2):
        if i == j:
            axes.fill_between([i - 0.5, i + 0.5], i - 0.5, i + 0.5, color="0.9", linewidth=0)
        elif len(tasks) <= _MANY_TASKS:
            known = not math.isnan(matrix[i][j])
            text = f"{matrix[i][j]:.2f}".replace("-0.00", "0.00").replace("-", "−") if known else "–"
            colour = text_colour(image, matrix[i][j]) if known else "black"
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=8)
    size = 8 if len(tasks) <= _MANY_TASKS else 6
    names = [shorten(task, 20) for task in tasks]
    axes.set_xticks(range(len(tasks)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(range(len(tasks)), names if label_rows else [""] * len(tasks), fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _add_bar(figure, image, panels):
    """Adds the colour bar of the cosines."""
    bar = figure.colorbar(image, ax=panels, label="cosine", fraction=0.04, aspect=18)
    bar.set_ticks(TICKS, labels=tick_labels())
    bar.minorticks_off()
