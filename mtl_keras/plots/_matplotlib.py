"""Imports matplotlib, an optional package, and defines the common look of the pictures."""

import math
import statistics

_CLOSE = 0.5  # values whose distances are below this share of the largest one get an axis without 0
_FAR = 100  # values that differ by this factor get a log scale


def import_matplotlib(function):
    """Returns the module matplotlib.

    Args:
        function: Name of the function that needs it, for the error.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import matplotlib
        import matplotlib.colors
        import matplotlib.figure
        import matplotlib.lines
        import matplotlib.patches
        import matplotlib.ticker
    except ImportError as error:
        raise ImportError(
            f'`mtl_keras.plots.{function}` needs matplotlib. Run: pip install "mtl_keras[plots]"'
        ) from error
    return matplotlib


def tidy(axes, matplotlib, x):
    """Sets the frame and the grid of a panel of curves, and whole numbers on the x axis."""
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(nbins=6, integer=True))
    if len(x) == 1:
        axes.set_xticks(x)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def set_scale(axes, curves):
    """Gives a panel a log scale if its numbers differ by 100 times or more.

    If there are numbers of 0 or less, and the typical sizes of the curves differ by 100 times or more, the scale is
    linear around 0, up to the typical size of the smallest curve.

    Args:
        axes: The panel.
        curves: Lists of numbers.
    """
    curves = [[value for value in values if math.isfinite(value)] for values in curves]
    values = [value for curve in curves for value in curve]
    if values and min(values) > 0:
        if max(values) >= _FAR * min(values):
            axes.set_yscale("log")
        return
    sizes = [statistics.median(abs(value) for value in curve) for curve in curves if curve]
    sizes = [size for size in sizes if size > 0]
    if sizes and max(sizes) >= _FAR * min(sizes):
        axes.set_yscale("symlog", linthresh=min(sizes))


def start_at_zero(axes, values):
    """Starts the y axis at 0 or below, unless the numbers are close to each other."""
    values = [value for value in values if math.isfinite(value)]
    if values and (min(values) <= 0 or max(values) - min(values) > _CLOSE * max(values)):
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def running_mean(values, width):
    """Returns the running mean over a window of about `width` numbers, ignoring NaN."""
    means = []
    for i in range(len(values)):
        near = [v for v in values[max(0, i - width // 2) : i + width // 2 + 1] if not math.isnan(v)]
        means.append(sum(near) / len(near) if near else math.nan)
    return means


def draw_curve(axes, x, y, label, pale=True, **style):
    """Draws a curve. A curve of many points is drawn as its running mean, over a pale line of the points.

    Returns the numbers that the curve shows.
    """
    if len(y) >= 50:
        if pale:
            axes.plot(x, y, color=style["color"], alpha=0.2, linewidth=0.8)
        y = running_mean(y, len(y) // 25)
    axes.plot(x, y, label=label, **style)
    return y


def label_ends(figure, axes, ends, size=8):
    """Writes the name of each curve beside its end, from top to bottom in the order of the ends and without overlap.

    A thin line leads from the end to its name. Call it after the scale and the limits of the axes are set.

    Args:
        figure: The figure. It is laid out once to get the height of the panel.
        axes: The panel.
        ends: List of `(name, x, y, colour)`.
        size: Size of the letters in points.
    """
    figure.draw_without_rendering()
    height = axes.get_window_extent().height / figure.dpi * 72  # in points
    to_fraction = axes.transData + axes.transAxes.inverted()
    ends = [end for end in ends if math.isfinite(end[2])]
    starts = [float(to_fraction.transform((x, y))[1]) for _, x, y, _ in ends]
    order = sorted(range(len(ends)), key=starts.__getitem__)
    places = _spread([starts[i] for i in order], 1.3 * size / height)
    line = {"arrowstyle": "-", "linewidth": 1.4, "shrinkA": 2, "shrinkB": 2, "relpos": (0, 0.5)}
    for i, place in zip(order, places, strict=True):
        name, x, y, colour = ends[i]
        axes.annotate(
            name,
            xy=(x, y),
            xytext=(1.07, place),
            textcoords="axes fraction",
            va="center",
            fontsize=size,
            arrowprops={**line, "color": colour},
        )


def _spread(places, gap):
    """Moves increasing positions until they are at least `gap` apart; each group stays centred on its mean."""
    crowds = []  # [centre, count]
    for place in places:
        crowds.append([place, 1])
        while len(crowds) > 1 and crowds[-1][0] - crowds[-2][0] < gap * (crowds[-1][1] + crowds[-2][1]) / 2:
            (b, n), (a, m) = crowds.pop(), crowds.pop()
            crowds.append([(a * m + b * n) / (m + n), m + n])
    return [centre + gap * (i - (count - 1) / 2) for centre, count in crowds for i in range(count)]


def add_legend(figure, handles, size=9):
    """Puts a legend above all panels. The width of the figure determines its number of columns."""
    if not handles:
        return
    for handle in handles:
        handle.set_label(shorten(handle.get_label()))
    longest = max(len(handle.get_label()) for handle in handles)
    width = (longest * 0.62 + 4.5) * size / 72  # width of an entry, in inches
    columns = min(len(handles), max(1, int(figure.get_size_inches()[0] / width)))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, frameon=False, fontsize=size)


def shorten(name, most=28):
    """Returns a name, shortened in the middle if it is longer than `most` letters."""
    name, part = str(name), (most - 1) // 2
    return name if len(name) <= most else f"{name[:part]}…{name[-part:]}"


def text_colour(image, number):
    """Returns black or white, whichever is legible on the colour of a number in an image."""
    red, green, blue, _ = image.to_rgba(number)
    return "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.55 else "black"
