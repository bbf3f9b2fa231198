"""Parts of data as row numbers, with a table of the labels of each task in each part."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from mtl_keras.data._strata import is_class

_SHOWN = 4  # classes whose shares are in the table


class Parts(dict):
    """`{name: row numbers}`. Prints as a table: the number of rows, and by task the labels and their shares or mean.

    Args:
        rows: `{name: row numbers, ascending}`
        labels: `{task: labels [N, ...]}`
        there: `{task: which labels are present, as booleans of the same shape}`
    """

    def __init__(self, rows: dict[str, np.ndarray], labels: dict[str, np.ndarray], there: dict[str, np.ndarray]):
        super().__init__(rows)
        self._labels = labels
        self._there = there

    def __repr__(self) -> str:
        header = ["part", "rows", *self._labels]
        lines = [header]
        for name, rows in self.items():
            lines.append([name, f"{len(rows):,}", *(self._cell(task, rows) for task in self._labels)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def warn(self) -> "Parts":
        """Warns if a task has no label or only one class in a part, and returns the parts."""
        for task, labels in self._labels.items():
            known = self._there[task]
            if not known.any():
                continue
            several = is_class(labels) and len(np.unique(labels[known])) > 1
            for name, rows in self.items():
                found = labels[rows][known[rows]]
                if found.size and not (several and len(np.unique(found)) < 2):
                    continue
                lack = "one class only" if found.size else "no label"
                warnings.warn(
                    f"The part {name!r} has {lack} of the task {task!r}. Make it larger, or choose another `seed`.",
                    stacklevel=3,
                )
        return self

    def _cell(self, task, rows):
        labels, known = self._labels[task][rows], self._there[task][rows]
        labeled = known.reshape(len(rows), -1).any(axis=1).sum() if len(rows) else 0
        found = labels[known]
        if not found.size:
            return "no label"
        if not is_class(self._labels[task]):
            shares = f"mean {found.mean():.3g}"
        else:
            classes = np.unique(self._labels[task][self._there[task]])
            listed = [f"{_name(value)} {(found == value).mean():.1%}" for value in classes[:_SHOWN]]
            shares = ", ".join(listed + ["..."] * (len(classes) > _SHOWN))
        return f"{labeled:,}: {shares}"


class Folds(Sequence):
    """Pairs `(train rows, test rows)`, one per fold. They print as a table of the test rows.

    Args:
        pairs: The pairs.
        labels, there: As in `Parts`.
    """

    def __init__(self, pairs, labels, there):
        self._pairs = pairs
        tests = {f"fold {i}": test for i, (_, test) in enumerate(pairs, start=1)}
        self.parts = Parts(tests, labels, there)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index):
        return self._pairs[index]

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return iter(self._pairs)

    def __repr__(self) -> str:
        return repr(self.parts)


def _name(value):
    return value.decode() if isinstance(value, bytes) else f"{value}"
