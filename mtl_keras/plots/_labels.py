"""Places names beside points without overlap."""

import math

from mtl_keras.plots._matplotlib import shorten

_DIRECTIONS = [(1, 0), (0, 1), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
_DISTANCES = (5, 12, 22, 34)  # in points


def label_points(figure, axes, points, avoid=(), size=8):
    """Writes the name of each point beside it if there is room; returns the names without room.

    Call it after the scale and the limits of the axes are set.

    Args:
        figure: The figure. It is laid out once to get the size of the panel.
        axes: The panel.
        points: List of `(name, x, y, colour)`, the most important first.
        avoid: Other points `(x, y)` that no name may cover.
        size: Size of the letters in points.
    """
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    frame = [value * scale for value in axes.get_window_extent().extents]
    places = {id(point): axes.transData.transform(point[1:3]) * scale for point in points}
    taken = [_box(x, y, 5, 5) for x, y in [*places.values(), *(axes.transData.transform(p) * scale for p in avoid)]]
    left = []
    for point in points:
        name, x, y, colour = point
        text = shorten(name)
        width, height = 0.56 * size * len(text) + 2, 1.2 * size
        found = _free(places[id(point)], width, height, taken, frame)
        if found is None:
            left.append(name)
            continue
        taken.append(found)
        offset = ((found[0] + found[2]) / 2 - places[id(point)][0], (found[1] + found[3]) / 2 - places[id(point)][1])
        line = {"arrowstyle": "-", "linewidth": 0.6, "color": colour, "shrinkA": 0, "shrinkB": 2}
        far = math.hypot(*offset) > width / 2 + 10
        axes.annotate(
            text,
            xy=(x, y),
            xytext=offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            color=colour,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},
            arrowprops=line if far else None,
        )
    return left


def _free(place, width, height, taken, frame):
    """Returns the box of a name near a place that overlaps nothing, or None."""
    for distance in _DISTANCES:
        for dx, dy in _DIRECTIONS:
            box = _box(place[0] + dx * (distance + width / 2), place[1] + dy * (distance + height / 2), width, height)
            inside = box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]
            if inside and not any(_overlap(box, other) for other in taken):
                return box
    return None


def _box(x, y, width, height):
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
