"""A measure between all pairs of tasks."""

import dataclasses
import math
import os
from typing import Any

import numpy as np

from mtl_keras._arguments import error, number
from mtl_keras.plots import relatedness


@dataclasses.dataclass(frozen=True, eq=False)
class Matrix:
    """A number for each pair of tasks, with details about its reliability.

    The functions of `mtl_keras.relatedness` return it, and `group_tasks` takes it. Create one yourself to group tasks
    by custom numbers. `matrix["a", "b"]` is one number; `print` shows the table.

    Args:
        tasks: Names of the T tasks.
        values: The numbers, [T, T]: `values[i, j]` is what task i tells about task j, or its effect on j. NaN if
            unknown.
        measure: Name of the measure.
        rows: Number of rows (or batches, or runs) behind each number, [T, T]; None if unknown.
        low, high: Ends of the 95 % intervals, [T, T], NaN for a number without interval; None for no intervals.
        reasons: `{(task, task): why the number is NaN}`.
        gain: Whether a number below 0 means that task i harms task j. If False, as for a correlation, only the absolute
            value counts.
        limit: The largest possible absolute value, such as 1 for a correlation: the colours of `plot` then range to it.
            None if there is none: they range to the largest number.

    Raises:
        ValueError: If names are not distinct strings, an array does not have shape [T, T], or `limit` is not above 0.

    Example:

    ```python
    matrix = mtl.relatedness.Matrix(["a", "b"], np.array([[1.0, 0.3], [0.3, 1.0]]), "mine")
    matrix["a", "b"]  # 0.3
    print(matrix.table())
    ```
    """

    tasks: list[str]
    values: np.ndarray
    measure: str = "relatedness"
    rows: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    reasons: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    gain: bool = False
    limit: float | None = None

    def __post_init__(self) -> None:
        names = list(self.tasks) if isinstance(self.tasks, (list, tuple)) else []
        if not names or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
            raise ValueError(error("tasks", "a list of distinct names", self.tasks))
        object.__setattr__(self, "tasks", names)
        if self.limit is not None:
            object.__setattr__(self, "limit", number("limit", self.limit, above=0))
        for name in ("values", "rows", "low", "high"):
            array = getattr(self, name)
            if array is not None or name == "values":
                array = np.asarray(array, dtype="int64" if name == "rows" else "float64")
                if array.shape != (len(names), len(names)):
                    raise ValueError(error(name, f"an array of shape {(len(names), len(names))}", array))
                object.__setattr__(self, name, array)

    @property
    def symmetric(self) -> bool:
        """Whether the numbers are the same in both directions."""
        return bool(np.array_equal(self.values, self.values.T, equal_nan=True))

    def __getitem__(self, pair: tuple[str, str]) -> float:
        for task in pair:
            if task not in self.tasks:
                raise KeyError(f"{task!r} is not one of the tasks {self.tasks}.")
        return float(self.values[self.tasks.index(pair[0]), self.tasks.index(pair[1])])

    def table(self) -> str:
        """Returns one line per pair: the number, its interval, the rows, or why there is no number.

        The largest numbers come first. If the two directions differ, each has a line, `a → b` for `values[a, b]`.
        """
        pairs = [(i, j) for i in range(len(self.tasks)) for j in range(len(self.tasks)) if i != j]
        pairs = [(i, j) for i, j in pairs if i < j] if self.symmetric else pairs
        pairs.sort(key=lambda pair: self._rank(self.values[pair]))
        head = [
            "pair",
            self.measure,
            *(["95 %"] if self.low is not None else []),
            *(["rows"] * (self.rows is not None)),
        ]
        cells = [head, *(self._cells(i, j) for i, j in pairs)]
        widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
        lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in cells]
        notes = [self.reasons.get((self.tasks[i], self.tasks[j]), "") for i, j in pairs]
        return "\n".join(f"{line}   {note}".rstrip() for line, note in zip(lines, ["", *notes], strict=True))

    def plot(self, path: str | os.PathLike | None = None) -> Any:
        """Plots the matrix by `plots.relatedness`, and returns the figure. Needs the extra `plots`.

        Args:
            path: File for the picture; None to save nothing.
        """
        return relatedness(self, path)

    def __str__(self) -> str:
        return self.table()

    def _rank(self, value):
        return (math.isnan(value), 0.0 if math.isnan(value) else -value if self.gain else -abs(value))

    def _cells(self, i, j):
        row = [f"{self.tasks[i]} {'–' if self.symmetric else '→'} {self.tasks[j]}", shown(self.values[i, j])]
        if self.low is not None and self.high is not None:
            known = not math.isnan(self.low[i, j])
            row.append(f"[{shown(self.low[i, j])}, {shown(self.high[i, j])}]" if known else "–")
        return row if self.rows is None else [*row, f"{self.rows[i, j]:,}"]


def shown(value: float) -> str:
    """Returns a number with three significant digits at most, and a dash for NaN."""
    if math.isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
