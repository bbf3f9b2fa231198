"""The panels of the cosines of pairs of tasks over the steps."""

import itertools
import math

from mtl_keras.plots._looks import task_looks
from mtl_keras.plots._matplotlib import draw_curve, label_ends, shorten, tidy

COLOURS = "RdBu"  # red for conflict, blue for agreement
LINEAR = 0.05  # the scale is linear for cosines closer to 0 than this, and logarithmic from there to -1 and 1
TICKS = [-1, -0.6, -0.3, -0.1, 0, 0.1, 0.3, 0.6, 1]
_EXTREMES = 3  # number of pairs at each end
_EXTREME_COLOURS = ("#B2182B", "#E08214", "#762A83", "#2166AC", "#35978F", "#1B7837")  # from conflict to agreement
_MOST_COLUMNS = 200  # columns of the heat map


def tick_labels():
    """Returns the texts of `TICKS`."""
    return [f"{tick:g}".replace("-", "−") for tick in TICKS]


def draw_pairs(figure, axes, steps, curves, tasks, matplotlib):
    """Draws the cosines of the pairs over the steps. Each curve has the colours of its two tasks."""
    looks, ends = task_looks(tasks), []
    for (a, b), values in curves.items():
        (colour, _), (other, _) = looks[a], looks[b]
        style = {"color": colour, "gapcolor": other, "linestyle": (0, (4, 4)), "linewidth": 2}
        if len(values) < 12:
            style |= {"marker": "o", "markersize": 4.5, "markerfacecolor": colour, "markeredgecolor": other}
        shown = draw_curve(axes, steps, values, f"{a} – {b}", pale=len(curves) == 1, **style)
        ends.append((_short(a, b), steps[-1], shown[-1], colour))
    _finish(figure, axes, steps, ends, matplotlib)


def draw_extremes(figure, axes, steps, curves, matplotlib):
    """Draws the pairs with the lowest and the highest means, and the mean of all pairs, which are sorted by mean."""
    pairs = [pair for pair, values in curves.items() if not math.isnan(mean_known(values))]
    extremes = dict(zip(pairs[:_EXTREMES] + pairs[-_EXTREMES:], _EXTREME_COLOURS, strict=False))
    means = [mean_known(values) for values in zip(*curves.values(), strict=True)]
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
        axes.set_yscale("asinh", linear_width=LINEAR)
        axes.set_yticks(TICKS, tick_labels())
        axes.minorticks_off()
        axes.set_ylim(max(low, -1.05), min(high, 1.05))
    label_ends(figure, axes, ends)


def draw_heat_map(axes, steps, rows, norm, matplotlib):
    """Draws the cosines of the pairs over the steps as colours, with one row per pair."""
    count = min(len(steps), _MOST_COLUMNS)
    bounds = [round(len(steps) * i / count) for i in range(count + 1)]
    means = [[mean_known(row[a:b]) for a, b in itertools.pairwise(bounds)] for row in rows]
    edges = _edges([(steps[a] + steps[b - 1]) / 2 for a, b in itertools.pairwise(bounds)])
    edges[0] = max(edges[0], 0.5)  # steps count from 1
    axes.set_facecolor("0.85")  # colour of cells without a cosine
    axes.pcolormesh(edges, range(len(rows) + 1), means, cmap=COLOURS, norm=norm, rasterized=True)
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
    """Returns the edges of cells around increasing centres: one more edge than centres."""
    if len(centres) == 1:
        return [centres[0] - 0.5, centres[0] + 0.5]
    mids = [(a + b) / 2 for a, b in itertools.pairwise(centres)]
    return [2 * centres[0] - mids[0], *mids, 2 * centres[-1] - mids[-1]]


def rank(values):
    """Returns the mean of a pair as a sort key; pairs without a mean come last."""
    mean = mean_known(values)
    return (math.isnan(mean), 0.0 if math.isnan(mean) else mean)


def mean_known(values):
    """Returns the mean of the numbers that are not NaN, and NaN if there are none."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
