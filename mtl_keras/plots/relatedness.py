"""Plots a measure between all pairs of tasks."""

import math
import os
from typing import Any

from mtl_keras.plots._matplotlib import import_matplotlib, shorten, text_colour


def relatedness(matrix: Any, path: str | os.PathLike | None = None) -> Any:
    """Plots a matrix of tasks as a heat map with numbers.

    Blue is above 0, red below. The colours range to the limit of the matrix, such as 1 for correlations, or else to the
    largest number. Rows and columns are tasks: a cell is the effect of the row's task on the column's task. The
    diagonal is left out, and a pair without a number has a dash. Needs `pip install "mtl_keras[plots]"`.

    Args:
        matrix: A `relatedness.Matrix`.
        path: File for the picture, such as `"labels.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `matrix` is not a matrix of tasks.

    Example:

    ```python
    matrix = mtl.relatedness.labels({"age": np.arange(50.0), "old": np.arange(50) > 30})
    figure = mtl.plots.relatedness(matrix, "labels.png")
    ```
    """
    if not hasattr(matrix, "tasks") or not hasattr(matrix, "values"):
        raise ValueError(f"`matrix` must be a mtl_keras.relatedness.Matrix. Received: {matrix!r}.")
    matplotlib = import_matplotlib("relatedness")
    tasks, num = list(matrix.tasks), len(matrix.tasks)
    values = [[math.nan if i == j else float(matrix.values[i][j]) for j in range(num)] for i in range(num)]
    most = max([abs(value) for row in values for value in row if math.isfinite(value)], default=0.0) or 1.0
    reach = getattr(matrix, "limit", None) or most
    names = [shorten(task, 20) for task in tasks]
    side, room = max(2.5, 0.46 * num), 0.08 * max(map(len, names))  # in inches
    figure = matplotlib.figure.Figure(
        figsize=(1.1 * side + 1.4 + room, side + 0.4 + room), dpi=120, layout="constrained"
    )
    axes = figure.subplots()
    axes.set_facecolor("0.9")  # colour of cells without a number
    image = axes.imshow(values, aspect="auto", cmap="RdBu", vmin=-reach, vmax=reach)
    decimals = 2 if most >= 0.1 else min(6, 1 - math.floor(math.log10(most)))
    for i in range(num):
        for j in range(num):
            if i != j:
                text, colour = _cell(values[i][j], decimals, image)
                axes.text(j, i, text, ha="center", va="center", fontsize=8 if decimals == 2 else 6, color=colour)
    axes.set_xticks(range(num), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(num), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label=getattr(matrix, "measure", ""), fraction=0.04, aspect=25)
    if path is not None:
        figure.savefig(path)
    return figure


def _cell(value, decimals, image):
    """Returns the text of a cell without its leading 0, and the colour of the text."""
    if math.isnan(value):
        return "–", "black"
    text = f"{value:.{decimals}f}"
    text = text.lstrip("-") if float(text) == 0 else text.replace("-", "−")
    return text.replace("0.", ".", 1) if text.lstrip("−").startswith("0.") else text, text_colour(image, value)
