"""A picture of how far the gradients of the tasks agree."""

import itertools
import math
import os
from typing import Any

import keras

from mtl_keras.plots._looks import task_looks
from mtl_keras.plots._matplotlib import draw_curve, import_matplotlib, label_ends, shorten, text_colour, tidy
from mtl_keras.plots._source import is_path, read_columns

_COLOURS = "RdBu"  # red for conflict, blue for agreement
_LINEAR = 0.05  # cosines nearer to 0 are in proportion; beyond, the scale is logarithmic, up to -1 and 1
_TICKS = [-1, -0.6, -0.3, -0.1, 0, 0.1, 0.3, 0.6, 1]
_MANY_PAIRS = 10  # above it only the extremes have curves, beside a heat map of all pairs
_EXTREMES = 3  # at either end
_EXTREME_COLOURS = ("#B2182B", "#E08214", "#762A83", "#2166AC", "#35978F", "#1B7837")  # from conflict to agreement
_MOST_COLUMNS = 200  # of the heat map
_MANY_TASKS = 12  # above it the cells have no numbers


def gradient_conflict(
    source: keras.callbacks.Callback | str | os.PathLike, path: str | os.PathLike | None = None
) -> Any:
    """Draws the cosines of the tasks' gradients: matrices from begin to end, and curves.

    The matrices are means over the first, the middle and the last third of the records, in colours from -1 to 1; a
    pair that never had a cosine has a dash. The scale is fixed and finest around 0, so that cosines of ±0.1, which are
    common, can be told from 0.

    Below are the curves of the pairs, dashed in the two colours that the tasks have in `plots.history`. Of more than
    ten pairs, only the three lowest and the three highest means have curves, beside the mean of all pairs in black;
    next to them a heat map shows all pairs over the steps, the most conflicting pair at the top. Needs
    `pip install "mtl_keras[plots]"`.

    Args:
        source: A `callbacks.GradientConflict` or the path of its CSV file.
        path: File to save the picture to, such as `"conflict.pdf"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which a notebook shows.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `source` is neither, or has no record.

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
    side = min(max(2.0, 0.42 * len(tasks)), 5.5)  # of a matrix, in inches
    many = len(curves) > _MANY_PAIRS
    width = max(11.0 if many else 6.4, 1.9 + (side + 0.1) * len(spans))
    figure = matplotlib.figure.Figure(figsize=(width, side + 4.1), dpi=120, layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[side + 1.1, 3.0])
    norm = matplotlib.colors.AsinhNorm(_LINEAR, vmin=-1, vmax=1)
    panels = top.subplots(1, len(spans), squeeze=False)[0]
    for i, (axes, span) in enumerate(zip(panels, spans, strict=True)):
        parts = {pair: values[span] for pair, values in curves.items()}
        image = _draw_matrix(axes, tasks, parts, norm, label_rows=i == 0)
        axes.set_title(_title(steps[span]), fontsize=10)
    _add_bar(top, image, panels)
    all_axes = bottom.subplots(1, 2 if many else 1, squeeze=False)[0]
    if many:
        ranked = sorted(curves, key=lambda pair: _rank(curves[pair]))
        _draw_pairs(all_axes[1], steps, [curves[pair] for pair in ranked], norm, matplotlib)
        _draw_extremes(figure, all_axes[0], steps, {pair: curves[pair] for pair in ranked}, matplotlib)
    else:
        _draw_curves(figure, all_axes[0], steps, curves, tasks, matplotlib)
    if path is not None:
        figure.savefig(path)
    return figure


def _curves(source):
    """Returns the tasks, the steps, and `{(task, task): one cosine a step}`."""
    tasks, steps, curves = [], [], {}
    if is_path(source):
        columns = read_columns(source)
        if columns and set(columns) >= {"step", "task_a", "task_b", "cosine"}:
            for step, a, b, cosine in zip(*(columns[n] for n in ("step", "task_a", "task_b", "cosine")), strict=True):
                curves.setdefault((str(a), str(b)), []).append(float(cosine))
                if not steps or steps[-1] != int(step):
                    steps.append(int(step))
            tasks = list(dict.fromkeys(task for pair in curves for task in pair))
    elif hasattr(source, "cosines"):
        tasks, steps = list(source.task_names), list(source.steps)
        for (i, a), (j, b) in itertools.combinations(enumerate(tasks), 2):
            curves[a, b] = source.cosines[:, i, j].tolist()
    if not steps or any(len(values) != len(steps) for values in curves.values()):
        raise ValueError(
            "`source` must be a `GradientConflict` with at least one record, or the path of its CSV file. "
            f"Received: source={source!r}."
        )
    return tasks, steps, curves


def _spans(count):
    """Returns the thirds of so many records, or the records themselves if they are fewer."""
    parts = min(count, 3)
    ends = [round(count * i / parts) for i in range(parts + 1)]
    return [slice(begin, end) for begin, end in itertools.pairwise(ends)]


def _title(steps):
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]}–{steps[-1]}"


def _draw_matrix(axes, tasks, parts, norm, label_rows):
    """Draws the mean cosines of the pairs as a square of colours with numbers, and returns the image."""
    matrix = [[math.nan for _ in tasks] for _ in tasks]
    for (a, b), values in parts.items():
        i, j = tasks.index(a), tasks.index(b)
        matrix[i][j] = matrix[j][i] = _mean(values)
    image = axes.imshow(matrix, cmap=_COLOURS, norm=norm)
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
    """Adds the bar of the colours of cosines."""
    bar = figure.colorbar(image, ax=panels, label="cosine", fraction=0.04, aspect=18)
    bar.set_ticks(_TICKS, labels=_tick_labels())
    bar.minorticks_off()


def _tick_labels():
    return [f"{tick:g}".replace("-", "−") for tick in _TICKS]


def _draw_curves(figure, axes, steps, curves, tasks, matplotlib):
    """Draws the cosines of the pairs over the steps, each in the colours of its two tasks."""
    looks, ends = task_looks(tasks), []
    for (a, b), values in curves.items():
        (colour, _), (other, _) = looks[a], looks[b]
        style = {"color": colour, "gapcolor": other, "linestyle": (0, (4, 4)), "linewidth": 2}
        if len(values) < 12:
            style |= {"marker": "o", "markersize": 4.5, "markerfacecolor": colour, "markeredgecolor": other}
        shown = draw_curve(axes, steps, values, f"{a} – {b}", pale=len(curves) == 1, **style)
        ends.append((_short(a, b), steps[-1], shown[-1], colour))
    _finish(figure, axes, steps, ends, matplotlib)


def _draw_extremes(figure, axes, steps, curves, matplotlib):
    """Draws the pairs with the lowest and the highest means, of pairs sorted by their means, and the mean of all."""
    pairs = [pair for pair, values in curves.items() if not math.isnan(_mean(values))]
    extremes = dict(zip(pairs[:_EXTREMES] + pairs[-_EXTREMES:], _EXTREME_COLOURS, strict=False))
    means = [_mean(values) for values in zip(*curves.values(), strict=True)]
    lines = [(f"{a} – {b}", _short(a, b), curves[a, b], colour) for (a, b), colour in extremes.items()]
    lines.append(("mean of the pairs", "mean of the pairs", means, "black"))
    ends = []
    for label, text, values, colour in lines:
        marker = "o" if len(values) < 12 else None
        style = {"color": colour, "linewidth": 1.6, "marker": marker, "markersize": 4.5}
        shown = draw_curve(axes, steps, values, label, pale=False, **style)
        ends.append((text, steps[-1], shown[-1], colour))
    _finish(figure, axes, steps, ends, matplotlib)


def _short(a, b):
    return f"{shorten(a, 20)} – {shorten(b, 20)}"


def _finish(figure, axes, steps, ends, matplotlib):
    axes.axhline(0, color="0.3", linewidth=0.8, linestyle=":")
    axes.set_xlabel("step")
    axes.set_ylabel("cosine")
    tidy(axes, matplotlib, steps)
    low, high = axes.get_ylim()
    if max(-low, high) > 0.3:
        axes.set_yscale("asinh", linear_width=_LINEAR)
        axes.set_yticks(_TICKS, _tick_labels())
        axes.minorticks_off()
        axes.set_ylim(max(low, -1.05), min(high, 1.05))
    label_ends(figure, axes, ends)


def _draw_pairs(axes, steps, rows, norm, matplotlib):
    """Draws the cosines of the pairs over the steps as colours, a row for each pair."""
    count = min(len(steps), _MOST_COLUMNS)
    bounds = [round(len(steps) * i / count) for i in range(count + 1)]
    means = [[_mean(row[a:b]) for a, b in itertools.pairwise(bounds)] for row in rows]
    edges = _edges([(steps[a] + steps[b - 1]) / 2 for a, b in itertools.pairwise(bounds)])
    axes.set_facecolor("0.85")  # of what has no cosine
    axes.pcolormesh(edges, range(len(rows) + 1), means, cmap=_COLOURS, norm=norm, rasterized=True)
    axes.invert_yaxis()
    axes.set_yticks([0, len(rows)], ["most\nconflict", "most\nagreement"], fontsize=8)
    for label, side in zip(axes.get_yticklabels(), ("top", "bottom"), strict=True):
        label.set_verticalalignment(side)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(nbins=6, integer=True))
    if count == 1:
        axes.set_xticks(steps)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("step")
    axes.set_title(f"all {len(rows)} pairs", fontsize=10)


def _edges(centres):
    """Returns the edges of cells around rising centres, one more than these."""
    if len(centres) == 1:
        return [centres[0] - 0.5, centres[0] + 0.5]
    mids = [(a + b) / 2 for a, b in itertools.pairwise(centres)]
    return [2 * centres[0] - mids[0], *mids, 2 * centres[-1] - mids[-1]]


def _rank(values):
    """Returns the mean of a pair to sort by; pairs without any come last."""
    mean = _mean(values)
    return (math.isnan(mean), 0.0 if math.isnan(mean) else mean)


def _mean(values):
    """Returns the mean of the numbers that are not NaN, and NaN if there are none."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
