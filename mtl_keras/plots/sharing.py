"""A picture of how much each task uses of what it shares."""

import math
import os
from typing import Any

from mtl_keras.plots._matplotlib import import_matplotlib


def sharing(tables: dict[str, dict[str, dict[str, float]]], path: str | os.PathLike | None = None) -> Any:
    """Draws what `sharing.inspect` returned: a panel for each table, with a row for each task.

    A cell is dark where its number is large, and empty where the row has no such column, as with the experts of another
    task. Needs `pip install "mtl_keras[plots]"`.

    Args:
        tables: `{table: {row: {column: number}}}`.
        path: File to save the picture to, such as `"sharing.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which a notebook shows.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `tables` is no such dict, or holds no number.

    Example:

    ```python
    import tempfile

    gate = {"digit": {"shared1": 0.7, "digit1": 0.3}, "odd": {"shared1": 0.4, "odd1": 0.6}}
    figure = mtl.plots.sharing({"gate": gate}, tempfile.mkdtemp() + "/sharing.png")
    figure.axes[0].get_title()  # 'gate'
    ```
    """
    _check(tables)
    matplotlib = import_matplotlib("sharing")
    panels = {name: _grid(rows) for name, rows in tables.items()}
    height = sum(1.0 + 0.45 * len(rows) for rows, _, _ in panels.values())
    width = max(2.0 + 0.7 * len(columns) for _, columns, _ in panels.values())
    figure = matplotlib.figure.Figure(figsize=(max(width, 4.0), height), dpi=120, layout="constrained")
    heights = [len(rows) for rows, _, _ in panels.values()]
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, panel) in zip(all_axes, panels.items(), strict=True):
        _draw(axes, name, *panel)
    if path is not None:
        figure.savefig(path)
    return figure


def _check(tables):
    """Raises ValueError unless `tables` holds at least one number."""
    rows = [rows for rows in tables.values() if isinstance(rows, dict)] if isinstance(tables, dict) else []
    if not rows or not all(isinstance(row, dict) and row for table in rows for row in table.values()) or not all(rows):
        raise ValueError(
            "`tables` must be what `mtl_keras.sharing.inspect` returned, `{table: {row: {column: number}}}`. "
            f"Received: tables={tables!r}."
        )


def _grid(table):
    """Returns the names of the rows and of the columns of a table, and the numbers; NaN where there is none."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    return list(table), columns, [[row.get(column, math.nan) for column in columns] for row in table.values()]


def _draw(axes, name, rows, columns, numbers):
    known = [number for row in numbers for number in row if not math.isnan(number)]
    low, high = min(0.0, *known), max(1e-12, *known)
    axes.imshow(numbers, cmap="Blues", vmin=low, vmax=high, aspect="auto")
    axes.set_title(name, fontsize=11)
    axes.set_xticks(range(len(columns)), columns, rotation=45 if len(columns) > 6 else 0, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for y, row in enumerate(numbers):
        for x, number in enumerate(row):
            if not math.isnan(number):
                colour = "white" if number - low > 0.6 * (high - low) else "black"
                axes.text(x, y, f"{number:.2f}", ha="center", va="center", fontsize=8, color=colour)
