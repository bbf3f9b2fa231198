"""Assigns rows to the parts of a split, so that the labels of all tasks are spread evenly."""

from typing import Any

import numpy as np

_QUANTILES = 5  # number of groups that numbers are divided into
_FEW = 50_000  # units: above this, most are assigned at once, for speed
_MANY = 50  # distinct values: integers with at least this many are numbers, not classes


def indicators(y: dict[str, np.ndarray], there: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the properties of the labels to spread evenly, as columns of 0 and 1. [N, columns]

    There is one column for each class, for each label of multilabel rows, for each fifth of a task's numbers, and for
    each tag of a sequence. If some labels of a task are missing, another column says whether a row has a label.

    Args:
        y: `{task: labels [N, ...]}`
        there: `{task: which labels are present, as booleans of the same shape}`
    """
    columns = []
    for task, labels in y.items():
        known = there[task].reshape(len(labels), -1)
        if not known.all():
            columns.append(known.any(axis=1))
        flat = labels.reshape(len(labels), -1)
        if is_class(labels):
            if flat.shape[1] > 1 and set(np.unique(flat[known])) <= {0, 1}:  # several labels per row
                columns += list(((flat == 1) & known).T)
            else:
                columns += [((flat == value) & known).any(axis=1) for value in np.unique(flat[known])]
        else:
            for column, is_known in zip(flat.T, known.T, strict=True):
                columns += _fifths(column.astype("float64"), is_known)
    return np.stack(columns, axis=1) if columns else np.zeros((len(next(iter(y.values()))), 0), bool)


def is_class(labels: np.ndarray) -> bool:
    """Returns whether labels are classes or tags: strings, booleans, or integers with few different values."""
    if labels.dtype.kind in "iu":
        return len(np.unique(labels)) <= _MANY
    if labels.dtype.kind == "f":
        known = labels[np.isfinite(labels)]
        return bool((known == np.round(known)).all()) and len(np.unique(known)) <= 2  # 0.0 and 1.0
    return True


def _fifths(numbers, known):
    """Returns which of the numbers are in each fifth of them."""
    if not known.any():
        return []
    edges = np.unique(np.quantile(numbers[known], np.arange(1, _QUANTILES) / _QUANTILES))
    fifth = np.searchsorted(edges, numbers, side="right")
    return [(fifth == i) & known for i in np.unique(fifth[known])]


def assign(strata: np.ndarray, units: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the part of each row, by iterative stratification. [N]

    The rarest column is spread first: each of its units goes to the part that lacks most of it; in a tie, to the part
    that lacks most rows. With very many units, most units with equal columns are assigned at once beforehand; the
    others balance the rest.

    Args:
        strata: The properties to spread evenly. [N, columns]
        units: Number of the unit of each row, from 0; rows of a unit stay together. [N]
        shares: Share of the rows of each part; they sum up to 1. [parts]
        rng: Random generator, for ties.
    """
    num_units = units.max() + 1
    sizes = np.bincount(units, minlength=num_units).astype("float64")
    counts = np.stack([np.bincount(units, column, num_units) for column in strata.T], axis=1) if strata.size else None
    counts = np.zeros((num_units, 0)) if counts is None else counts  # [units, columns]
    lacks_rows = sizes.sum() * shares
    lacks = counts.sum(axis=0)[None] * shares[:, None]  # [parts, columns]
    part = np.full(num_units, -1)

    def put(unit, into):
        part[unit] = into
        lacks_rows[into] -= sizes[unit]
        lacks[into] -= counts[unit]

    order = rng.permutation(num_units)
    if num_units > _FEW:
        for unit, into in _dealt(np.column_stack([counts, sizes])[order], 0.9 * shares):
            put(order[unit], into)
    left = order[part[order] < 0]
    while True:
        remaining = counts[left].sum(axis=0)
        if not (remaining > 0).any():
            break
        column = np.argmin(np.where(remaining > 0, remaining, np.inf))
        mine = left[counts[left, column] > 0]
        for unit in mine[np.argsort(-counts[mine, column], kind="stable")]:
            put(unit, np.lexsort((rng.random(len(shares)), -lacks_rows, -lacks[:, column]))[0])
        left = left[part[left] < 0]
    for unit in left[np.argsort(-sizes[left], kind="stable")]:
        put(unit, np.lexsort((rng.random(len(shares)), -lacks_rows))[0])
    return part[units]


def _dealt(rows, shares):
    """Yields pairs of a row and a part, for this share of the rows of each kind."""
    _, kind = np.unique(rows, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    by_kind = np.argsort(kind, kind="stable")
    for same in np.split(by_kind, np.cumsum(np.bincount(kind))[:-1]):
        numbers = np.floor(len(same) * shares + 1e-9).astype(int)
        yield from zip(same[: numbers.sum()], np.repeat(np.arange(len(shares)), numbers), strict=True)


def units_of(groups: Any, num_rows: int, at_least: int) -> np.ndarray:
    """Returns the number of the unit of each row, from 0: its group, or the row itself without groups. [N]"""
    if groups is None:
        units = np.arange(num_rows)
    else:
        groups = np.asarray(groups)
        if groups.shape != (num_rows,):
            raise ValueError(f"`groups` must have shape ({num_rows},), one value per row. Received: {groups.shape}.")
        _, units = np.unique(groups, return_inverse=True)
    if units.size == 0 or units.max() + 1 < at_least:
        what, found = ("rows", num_rows) if groups is None else ("groups", len(np.unique(units)))
        raise ValueError(f"There must be at least {at_least} {what}, one per part. Received: {found}.")
    return units


def blocks(order: Any, num_rows: int, shares: np.ndarray) -> np.ndarray:
    """Returns the number of the block of each row; the blocks follow each other in the given order. [N]"""
    order = np.asarray(order)
    if order.shape != (num_rows,):
        raise ValueError(f"`order` must have shape ({num_rows},), one value per row. Received: {order.shape}.")
    _, rank = np.unique(order, return_inverse=True)
    rows_before = np.concatenate([[0], np.cumsum(np.bincount(rank))[:-1]])  # by value
    ends = np.cumsum(shares)[:-1] * num_rows
    block = np.searchsorted(np.round(ends, 6), rows_before, side="right")[rank]
    if len(np.unique(block)) < len(shares):
        raise ValueError(
            f"`order` must have at least {len(shares)} different values at which the parts can be cut. "
            f"Received: {len(rows_before)}, which leave a part empty."
        )
    return block
