"""Plots how much each task uses of what it shares."""

import math
import os
from typing import Any

from mtl_keras.plots._matplotlib import import_matplotlib, shorten, text_colour
from mtl_keras.plots._tables import panels

_MANY_COLUMNS = 24  # above it the cells have no numbers
_WIDTH = 12.0  # width of the panels side by side, in inches


def sharing(
    tables: dict[str, dict[str, dict[str, float]]],
    path: str | os.PathLike | None = None,
    tasks: list[str] | None = None,
) -> Any:
    """Plots the result of `sharing.inspect`, with one row per task.

    There is one panel per table; for `cross_stitch`, `sluice` and `ltb` one per stage. The weights with which sluice
    mixes the stages of a task are in the panel `"stages"`. The name of an expert starts with its owner, such as `digit
    expert 1` or `shared expert 1`. All panels have one colour scale, shown by the bar: blue above 0, and red below 0 if
    there are negative numbers. A cell is grey if the row has no such column, for example the experts of another task.
    Needs `pip install "mtl_keras[plots]"`.

    Args:
        tables: `{table: {row: {column: number}}}`.
        path: File for the picture, such as `"sharing.png"`; None to save nothing.
        tasks: Names of the tasks in the order of the model, `model.task_names`: the order of rows and columns. None
            keeps the order of the rows, and sorts layers by name; the columns of stitching units are then `task 1`,
            `task 2`, ...

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `tables` is not such a dict, or has no number.

    Example:

    ```python
    import tempfile

    gate = {"digit": {"shared1": 0.7, "digit1": 0.3}, "odd": {"shared1": 0.4, "odd1": 0.6}}
    figure = mtl.plots.sharing({"gate": gate}, tempfile.mkdtemp() + "/sharing.png")
    [label.get_text() for label in figure.axes[0].get_xticklabels()]  # ['shared expert 1', 'digit expert 1', ...]
    ```
    """
    _check(tables)
    matplotlib = import_matplotlib("sharing")
    grids = {title: _grid(table) for title, table in panels(tables, tasks).items()}
    most = max(len(columns) for _, columns, _ in grids.values())
    cell = 0.48 if most <= _MANY_COLUMNS else 0.25
    width = 2.2 + cell * max(most, 3)
    per_row = max(1, min(math.ceil(math.sqrt(len(grids))), int(_WIDTH // width))) if len(grids) > 2 else 1
    lines = math.ceil(len(grids) / per_row)
    num_rows = [max(len(grid[0]) for grid in list(grids.values())[i * per_row :][:per_row]) for i in range(lines)]
    size = (1.2 + width * per_row, 0.3 + sum(1.2 + 0.3 * num for num in num_rows))
    figure = matplotlib.figure.Figure(figsize=size, dpi=120, layout="constrained")
    all_axes = figure.subplots(lines, per_row, squeeze=False, height_ratios=[num + 1.5 for num in num_rows]).ravel()
    look = _look([number for _, _, rows in grids.values() for row in rows for number in row])
    for axes, (title, (rows, columns, numbers)) in zip(all_axes, grids.items(), strict=False):
        image = _draw(axes, title, rows, columns, numbers, look)
    for axes in all_axes[len(grids) :]:
        axes.remove()
    figure.colorbar(image, ax=list(all_axes[: len(grids)]), fraction=0.03, aspect=25, pad=0.02)
    if path is not None:
        figure.savefig(path)
    return figure


def _check(tables):
    """Raises ValueError unless `tables` has at least one number."""
    rows = [rows for rows in tables.values() if isinstance(rows, dict)] if isinstance(tables, dict) else []
    if not rows or not all(isinstance(row, dict) and row for table in rows for row in table.values()) or not all(rows):
        raise ValueError(
            "`tables` must be what `mtl_keras.sharing.inspect` returned, `{table: {row: {column: number}}}`. "
            f"Received: tables={tables!r}."
        )


def _grid(table):
    """Returns the names of the rows and columns of a table, and the numbers; NaN for missing ones."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    return list(table), columns, [[row.get(column, math.nan) for column in columns] for row in table.values()]


def _look(numbers):
    """Returns the colour map and the limits of all panels; with numbers below 0, white is 0."""
    known = [number for number in numbers if not math.isnan(number)]
    low, high = min(0.0, *known), max(1e-12, *known)
    if low < 0:
        return {"cmap": "RdBu", "vmin": -max(-low, high), "vmax": max(-low, high)}
    return {"cmap": "Blues", "vmin": 0.0, "vmax": high}


def _draw(axes, title, rows, columns, numbers, look):
    """Draws a table as colours with numbers, and returns the image."""
    axes.set_facecolor("0.9")  # colour of columns that the row lacks
    image = axes.imshow(numbers, aspect="auto", **look)
    axes.set_title(title, fontsize=11)
    labels = [shorten(column) for column in columns]
    rotation = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, labels)) > 6 else {}
    axes.set_xticks(range(len(columns)), labels, fontsize=8, **rotation)
    axes.set_yticks(range(len(rows)), [shorten(row) for row in rows], fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for y, row in enumerate(numbers):
        for x, number in enumerate(row):
            if not math.isnan(number) and len(columns) <= _MANY_COLUMNS:
                text = f"{number:.2f}".replace("-", "−")
                axes.text(x, y, text, ha="center", va="center", fontsize=8, color=text_colour(image, number))
    return image
