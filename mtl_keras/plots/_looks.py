"""The colour and the marker of each task, the same in all plots of a run."""

import re

COLOURS = (  # the first six are those of Okabe and Ito; all ten differ for colour-blind readers too
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#332288",
    "#882255",
    "#5A3A1A",
    "#9B30FF",
)
_MARKERS = "o^sDvP"  # of tasks 1-10, 11-20, ...


def task_looks(tasks):
    """Returns `{task: (colour, marker)}`.

    The look depends on the position of the task among the sorted names, with `t2` before `t10`. The names are sorted
    because Keras sorts them in the history, and callbacks list them in the order of the model: so all sources of a run
    agree. There are ten colours; the next ten tasks have the same colours with another marker.
    """
    looks = {}
    for i, task in enumerate(sorted(set(tasks), key=natural)):
        cycle, place = divmod(i, len(COLOURS))
        looks[task] = (COLOURS[place], _MARKERS[cycle % len(_MARKERS)])
    return looks


def natural(name):
    """Returns a key that sorts names as people do: `t2` before `t10`."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", str(name))]


def curve_style(look, points, validation=False):
    """Returns the keywords of `plot` for a curve with this number of points.

    Few points have one marker each, hollow for validation. Many points have no markers, unless only the marker
    distinguishes tasks of the same colour: then a curve has about six.
    """
    colour, marker = look
    style = {"color": colour, "linewidth": 1.6, "linestyle": "--" if validation else "-"}
    if points < 12 or marker != _MARKERS[0]:
        style |= {"marker": marker, "markersize": 4.5, "markevery": 1 if points < 12 else max(1, points // 6)}
        style["markerfacecolor"] = "white" if validation else colour
    return style
