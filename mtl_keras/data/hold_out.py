"""Splits rows into named parts."""

import math
from typing import Any

import numpy as np

from mtl_keras._arguments import count, error, flag, number
from mtl_keras._types import Tensors
from mtl_keras.data._labels import read_labels
from mtl_keras.data._parts import Parts
from mtl_keras.data._strata import assign, blocks, indicators, units_of


def hold_out(
    y: Tensors,
    sizes: dict[str, float] | None = None,
    stratify: bool = True,
    groups: Any = None,
    order: Any = None,
    seed: int = 0,
    missing: Any = "auto",
) -> Parts:
    """Splits the rows of data into parts, such as to train, validate and test on.

    With `stratify` each part gets alike of the labels of all tasks at once: of the classes, of the labels of a row of
    several, of the fifths of numbers, of the sentences that hold a tag, and of the labels that are missing.

    Args:
        y: Labels: `{task: array [N, ...]}`, or a DataFrame whose columns are tasks.
        sizes: `{part: share of the rows}`, which sum up to 1; by default 0.8 to train, 0.1 to validate and 0.1 to test.
        stratify: Whether to spread the labels; else the rows are drawn at random.
        groups: A value a row, [N]: rows of the same value, such as those of a user, stay in one part.
        order: A value a row, [N], such as a time: the parts follow each other in this order, and rows of the same value
            stay together. Nothing is drawn.
        seed: Of what is drawn.
        missing: What stands for a missing label, as in `mask_missing`.

    Returns:
        `{part: row numbers, ascending}`, for `data.take`. Printed, it is a table of rows and labels.

    Raises:
        ValueError: If sizes do not sum up to 1, lengths differ, both `groups` and `order` are given, or there are fewer
            rows or groups than parts.

    Warns:
        UserWarning: Of a part in which a task has no label, or one class only.

    Example:

    ```python
    y = {"rare": np.arange(100) % 10 == 0, "age": np.linspace(20, 70, 100)}
    rows = mtl.data.hold_out(y, {"train": 0.7, "test": 0.3})
    print(rows)  # 7 and 3 of the rare ones
    y_test = mtl.data.take(y, rows["test"])
    ```

    Reference: K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the Stratification of Multi-Label Data", 2011. Departures:
    numbers, sequences, groups, missing labels; above 50,000 rows most of those alike in all labels go at once.
    """
    names, shares = _checked_sizes(sizes)
    flag("stratify", stratify)
    rng = np.random.default_rng(count("seed", seed, at_least=0))
    labels, there = read_labels(y, missing)
    num_rows = len(next(iter(labels.values())))
    if order is not None:
        if groups is not None:
            raise ValueError("`groups` and `order` exclude each other. Received both.")
        part = blocks(order, num_rows, shares)
    else:
        units = units_of(groups, num_rows, len(names))
        strata = indicators(labels, there) if stratify else np.zeros((num_rows, 0), bool)
        part = assign(strata, units, shares, rng)
    return Parts({name: np.flatnonzero(part == i) for i, name in enumerate(names)}, labels, there).warn()


def _checked_sizes(sizes):
    """Returns the names of the parts and their shares."""
    sizes = {"train": 0.8, "valid": 0.1, "test": 0.1} if sizes is None else sizes
    if not isinstance(sizes, dict) or not sizes:
        raise ValueError(error("sizes", "a dict {part: share of the rows}", sizes))
    shares = [number(f"sizes[{name!r}]", share, above=0, at_most=1) for name, share in sizes.items()]
    if not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise ValueError(error("sizes", "shares that sum up to 1", sizes, f"They sum up to {sum(shares):g}."))
    return list(sizes), np.array(shares) / sum(shares)
