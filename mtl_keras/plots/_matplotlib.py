"""Matplotlib, which is an extra, and the look that the pictures share."""

import math


def import_matplotlib(function):
    """Returns the module matplotlib.

    Args:
        function: Name of the function that needs it, for the error.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import matplotlib
        import matplotlib.figure
        import matplotlib.lines
        import matplotlib.ticker
    except ImportError as error:
        raise ImportError(
            f'`mtl_keras.plots.{function}` needs matplotlib. Run: pip install "mtl_keras[plots]"'
        ) from error
    return matplotlib


def tidy(axes, matplotlib):
    """Gives a panel of curves over epochs or steps its frame and grid."""
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(nbins=6, integer=True))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def draw_curve(axes, x, y, label, colour):
    """Draws a curve; one of many points as its running mean, over a pale line of the points themselves."""
    width = max(1, len(y) // 25)
    if len(y) < 50:
        width = 1
    else:
        axes.plot(x, y, color=colour, alpha=0.2, linewidth=0.8)
    marker = "o" if len(y) < 12 else None
    axes.plot(x, running_mean(y, width), color=colour, label=label, marker=marker, markersize=3, linewidth=1.6)


def running_mean(values, width):
    """Returns the mean of the numbers around each one, at most `width` to each side, without those that are NaN."""
    means = []
    for i in range(len(values)):
        near = [v for v in values[max(0, i - width // 2) : i + width // 2 + 1] if not math.isnan(v)]
        means.append(sum(near) / len(near) if near else math.nan)
    return means
