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
    """Splits the rows of data into parts, for example for training, validation and test.

    With `stratify`, the labels of all tasks are spread evenly over the parts at once: classes, the labels of multilabel
    rows, numbers by fifths, sentences by the tags in them, and missing labels.

    Args:
        y: Labels: `{task: array [N, ...]}`, or a DataFrame whose columns are tasks.
        sizes: `{part: share of the rows}`, which sum to 1; by default 0.8 for training, 0.1 for validation and 0.1 for
            test.
        stratify: Whether to spread the labels evenly; if not, the rows are drawn at random.
        groups: One value per row, [N]. Rows with the same value, such as the rows of one user, stay in one part.
        order: One value per row, [N], such as a time. The parts follow each other in this order, and rows with the same
            value stay together. Nothing is random.
        seed: Seed of the random draws.
        missing: Value of missing labels, as in `mask_missing`.

    Returns:
        `{part: row numbers, ascending}`, for `data.take`. It prints as a table of rows and labels.

    Raises:
        ValueError: If the sizes do not sum to 1, lengths differ, both `groups` and `order` are given, or there are
            fewer rows or groups than parts.

    Warns:
        UserWarning: If a task has no label in a part, or only one class.

    Example:

    ```python
    y = {"rare": np.arange(100) % 10 == 0, "age": np.linspace(20, 70, 100)}
    rows = mtl.data.hold_out(y, {"train": 0.7, "test": 0.3})
    print(rows)  # 7 and 3 of the rare ones
    y_test = mtl.data.take(y, rows["test"])
    ```

    Reference: K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the Stratification of Multi-Label Data", 2011. Departures:
    numbers, sequences, groups, missing labels; above 50,000 rows, most of the rows with equal labels in all tasks are
    assigned together.
    """
    names, shares = _checked_sizes(sizes)
    flag("stratify", stratify)
    rng = np.random.default_rng(count("seed", seed, at_least=0))
    labels, there = read_labels(y, missing)
    num_rows = len(next(iter(labels.values())))
    if order is not None:
        if groups is not None:
            raise ValueError("`groups` and `order` exclude each other. Received both. Pass one of them.")
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
