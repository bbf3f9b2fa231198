"""How strongly the labels of tasks depend on each other."""

import math
from typing import Any

import numpy as np

from mtl_keras._arguments import choice
from mtl_keras._types import Tensors
from mtl_keras.relatedness import _measures
from mtl_keras.relatedness._columns import Labels, pairs, read_columns
from mtl_keras.relatedness._measures import Found
from mtl_keras.relatedness.matrix import Matrix

MEASURES = ("auto", "pearson", "spearman", "cramers_v", "mutual_information")
_NONE = Found(math.nan, math.nan, math.nan)


def labels(y: Tensors, measure: str = "auto", kinds: dict[str, str] | None = None, missing: Any = "auto") -> Matrix:
    """Measures how strongly the labels of each pair of tasks depend on each other.

    Each pair uses the rows where both labels are present. `"auto"` uses the measure that suits the pair: Spearman's
    correlation between numbers and binary labels, Cramér's V between classes, and the correlation ratio η between
    classes and numbers (the root of the share of the numbers' variance that lies between the classes). The absolute
    value of all three is in [0, 1]; 0 means no dependence.

    The measures are about agreement of the labels, not about whether a model gains by learning them together: equal
    labels are useless to each other. No training is needed. The cost grows with T² times the rows (times their
    logarithm for ranks). Needs the extra `relatedness` (scipy, scikit-learn).

    For several values per row, as with `heads.Multilabel`, the result is the root mean square over the pairs of
    columns, without an interval. Classes at several positions, such as tags, are compared position by position; a label
    of the row is repeated at each position. Their intervals treat the positions as independent.

    Args:
        y: Labels: `{task: array [N, ...]}`, or a DataFrame whose columns are tasks.
        measure: `"auto"`, `"pearson"`, `"spearman"`, `"cramers_v"`, or `"mutual_information"` in nats, which uses
            nearest neighbours for numbers.
        kinds: `{task: "numbers", "classes" or "binary"}` for labels whose kind is not clear from their values. By
            default strings, booleans and integers with at most 50 values are classes, or binary if there are two; all
            others are numbers. For counts and ranks, set `"numbers"`.
        missing: Value of missing labels, as in `data.mask_missing`.

    Returns:
        A symmetric `Matrix`, with the number of rows and 95 % intervals: Fisher's for Pearson, Bonett and Wright's for
        Spearman, from noncentral χ² and F distributions for the others. The intervals are for the value in the
        population. With few rows, the V, η and mutual information of the sample are on average higher than in the
        population. The value is NaN, with a reason, if there are no common rows, a label is constant on them, or the
        measure does not suit the kinds.

    Raises:
        ValueError: If an argument is not valid, or `y` has no labels or labels of different lengths.
        ImportError: If the extra is not installed.

    Example:

    ```python
    rng = np.random.default_rng(0)
    age = rng.normal(40, 10, 200)
    y = {"age": age, "retired": age > 60, "colour": rng.integers(0, 3, 200)}
    matrix = mtl.relatedness.labels(y)
    print(matrix)  # age – retired is the largest
    figure = matrix.plot("labels.png")
    ```

    Reference: D. G. Bonett, T. A. Wright, "Sample Size Requirements for Estimating Pearson, Kendall and Spearman
    Correlations", 2000. A. Kraskov, H. Stögbauer, P. Grassberger, "Estimating Mutual Information", 2004.
    """
    choice("measure", measure, MEASURES)
    columns = read_columns(y, missing, kinds)
    tasks, num = list(columns), len(columns)
    found = np.full((3, num, num), np.nan)
    rows, reasons = np.zeros((num, num), int), {}
    for i, a in enumerate(tasks):
        for j in range(i, num):
            result, rows[i, j], reason = _pair((a, columns[a]), (tasks[j], columns[tasks[j]]), measure, same=i == j)
            rows[j, i] = rows[i, j]
            found[:, i, j] = found[:, j, i] = result
            if reason:
                reasons[a, tasks[j]] = reasons[tasks[j], a] = reason
    limit = None if measure == "mutual_information" else 1.0
    return Matrix(tasks, found[0], measure, rows, found[1], found[2], reasons, limit=limit)


def _pair(a: tuple[str, Labels], b: tuple[str, Labels], measure: str, same: bool) -> tuple[Found, int, str]:
    """Returns the measure of two tasks, the number of rows, and the reason if it is NaN (else an empty string)."""
    if same:
        return _itself(a, measure)
    joined = pairs(a[1], b[1])
    if not joined:
        return _NONE, 0, "sequences of different lengths"
    rows = min(len(x) for x, _ in joined)
    name = _measure_of(a[1].kind, b[1].kind) if measure == "auto" else measure
    reason = _unsuited(a, b, name)
    if reason:
        return _NONE, rows, reason
    results = [_NONE if _why_none(a[0], b[0], x, z) else _apply(name, a[1], b[1], x, z) for x, z in joined]
    known = [result for result in results if not math.isnan(result.value)]
    if not known:
        return _NONE, rows, _why_none(a[0], b[0], *joined[0]) or "too few rows"
    if len(results) == 1:
        return known[0], rows, ""
    return Found(math.sqrt(np.mean([result.value**2 for result in known])), math.nan, math.nan), rows, ""


def _itself(a, measure):
    """Returns the value of a task with itself: 1, or NaN if that has no meaning."""
    values, rows = a[1].values[a[1].there], int(a[1].there.any(axis=1).sum())
    reason = _why_none(a[0], a[0], values, values)
    return (_NONE if reason or measure == "mutual_information" else Found(1.0, math.nan, math.nan)), rows, reason


def _measure_of(kind, other):
    """Returns the measure for two kinds of labels."""
    if "classes" not in (kind, other):
        return "spearman"
    return "correlation_ratio" if "numbers" in (kind, other) else "cramers_v"


def _unsuited(a, b, measure):
    """Returns the reason if a measure does not apply to the kinds of two tasks, else an empty string."""
    wrong = {"pearson": "classes", "spearman": "classes", "cramers_v": "numbers"}.get(measure)
    tasks = [task for task, column in (a, b) if column.kind == wrong]
    return f"{measure} is not for {wrong} ({', '.join(tasks)})" if tasks else ""


def _why_none(a, b, x, z):
    """Returns the reason if two columns have no measure, else an empty string."""
    if not len(x):
        return "no row has both labels" if a != b else f"no label of {a}"
    constant = dict.fromkeys(task for task, column in ((a, x), (b, z)) if np.ptp(column) == 0)
    return f"one value only on these rows ({', '.join(constant)})" if constant else ""


def _apply(name, a, b, x, z):
    """Returns a measure of two columns of suitable kinds."""
    if name == "correlation_ratio":
        return _measures.correlation_ratio(*((x, z) if a.kind == "classes" else (z, x)))
    if name == "mutual_information":
        if len(x) < 5 and "numbers" in (a.kind, b.kind):
            return _NONE
        return _measures.mutual_information(x, z, (a.kind != "numbers", b.kind != "numbers"))
    function = {"pearson": _measures.pearson, "spearman": _measures.spearman, "cramers_v": _measures.cramers_v}[name]
    return function(x, z)
