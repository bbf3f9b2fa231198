"""Splits rows for cross-validation."""

from typing import Any

import numpy as np

from mtl_keras._arguments import count, flag
from mtl_keras._types import Tensors
from mtl_keras.data._labels import read_labels
from mtl_keras.data._parts import Folds
from mtl_keras.data._strata import assign, blocks, indicators, units_of


def k_fold(
    y: Tensors,
    k: int = 5,
    repeats: int = 1,
    stratify: bool = True,
    groups: Any = None,
    order: Any = None,
    seed: int = 0,
    missing: Any = "auto",
) -> Folds:
    """Splits the rows of data into k folds. Each fold is the test set once, after training on the others.

    Args:
        y: Labels: `{task: array [N, ...]}`, or a DataFrame whose columns are tasks.
        k: Number of folds, at least 2.
        repeats: How many times to draw k folds.
        stratify: Whether to spread the labels of all tasks evenly over the folds, as in `hold_out`.
        groups: One value per row, [N]. Rows with the same value stay in one fold.
        order: One value per row, [N], such as a time. The rows are split into k + 1 blocks in this order. Each block
            but the first is a test set, after training on all rows before it. Nothing is random.
        seed: Seed of the random draws.
        missing: Value of missing labels, as in `mask_missing`.

    Returns:
        A sequence of k times `repeats` pairs `(train rows, test rows)`. It prints as a table of the test rows.

    Raises:
        ValueError: If a number is out of range, lengths differ, `order` is combined with `groups` or `repeats`, or
            there are fewer rows or groups than folds.

    Warns:
        UserWarning: If a task has no label in a fold, or only one class.

    Example:

    ```python
    y = {"rare": np.arange(100) % 10 == 0}
    for train, test in mtl.data.k_fold(y, k=5):
        print(len(train), len(test), y["rare"][test].sum())  # 80 20 2
    ```

    Reference: as in `hold_out`.
    """
    k, repeats = count("k", k, at_least=2), count("repeats", repeats)
    flag("stratify", stratify)
    labels, there = read_labels(y, missing)
    num_rows = len(next(iter(labels.values())))
    if order is not None:
        if groups is not None or repeats > 1:
            raise ValueError("`order` excludes `groups` and `repeats`. Received several of them. Leave some out.")
        block = blocks(order, num_rows, np.full(k + 1, 1 / (k + 1)))
        pairs = [(np.flatnonzero(block < i), np.flatnonzero(block == i)) for i in range(1, k + 1)]
    else:
        rng = np.random.default_rng(count("seed", seed, at_least=0))
        units = units_of(groups, num_rows, k)
        strata = indicators(labels, there) if stratify else np.zeros((num_rows, 0), bool)
        drawn = [assign(strata, units, np.full(k, 1 / k), rng) for _ in range(repeats)]
        pairs = [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for fold in drawn for i in range(k)]
    folds = Folds(pairs, labels, there)
    folds.parts.warn()
    return folds
