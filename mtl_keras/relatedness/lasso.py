"""Finds which tasks' labels predict a task's label, given all other labels."""

import inspect
import math
import warnings
from typing import Any

import numpy as np

from mtl_keras._arguments import count
from mtl_keras._extras import need
from mtl_keras._types import Tensors
from mtl_keras.relatedness._columns import Labels, read_columns
from mtl_keras.relatedness.matrix import Matrix

_PURPOSE = "`lasso`"


def lasso(
    y: Tensors, folds: int = 5, kinds: dict[str, str] | None = None, missing: Any = "auto", seed: int = 0
) -> Matrix:
    """Predicts each task's label from the labels of all other tasks by Lasso, and returns the weights.

    A pair that is correlated only because both depend on a third task gets about 0, unlike in `labels`. Numbers are
    predicted by `LassoCV`, classes by logistic regression with an L1 penalty. Cross-validation chooses the strength of
    the penalty. Classes become indicators, and all labels are standardised first, so that the weights in the prediction
    of one task can be compared.

    The weights measure linear information in the labels, not whether a model gains from learning the tasks together. No
    neural network is trained. Cost: T cross-validated fits on T - 1 labels: about 10 seconds for 30 tasks of numbers
    with 10,000 rows, and about as long for 10 binary tasks. Needs the extra `relatedness` (scipy, scikit-learn).

    Args:
        y: Labels: `{task: array [N, ...]}`, or a DataFrame whose columns are tasks.
        folds: Number of folds of the cross-validation, at least 2.
        kinds: `{task: "numbers", "classes" or "binary"}`, as in `labels`.
        missing: Value of missing labels, as in `data.mask_missing`. Only rows with all labels are used.
        seed: Seed of the folds and of the solver.

    Returns:
        A `Matrix`: `values[i, j]` is the weight of task i in the prediction of task j. It has a sign if both have one
        column; otherwise it is the norm of the weights. Weights for classes are in log-odds, so compare only the
        numbers of one column. The value is NaN, with a reason, in these cases: labels are constant, absent or
        sequences; fewer than `2 * folds` rows have all labels; a class of the target has fewer rows than folds.

    Raises:
        ValueError: If an argument is not valid.
        ImportError: If the extra is not installed.

    Example:

    ```python
    rng = np.random.default_rng(0)
    first = rng.normal(size=200)
    second = first + 0.5 * rng.normal(size=200)
    third = second + 0.5 * rng.normal(size=200)
    matrix = mtl.relatedness.lasso({"first": first, "second": second, "third": third})
    matrix["second", "third"], matrix["first", "third"]  # large, and about 0
    ```

    Reference: R. Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996.
    """
    count("folds", folds, 2)
    count("seed", seed, at_least=0)
    columns = read_columns(y, missing, kinds)
    tasks, num = list(columns), len(columns)
    useless = {task: reason for task, column in columns.items() if (reason := _useless(column))}
    used = [task for task in tasks if task not in useless]
    rows = np.ones(len(columns[tasks[0]].values), bool)
    for task in used:
        rows &= columns[task].there.all(axis=1)
    blocks = {task: _block(columns[task], rows) for task in used}
    useless |= {task: "one value only on the rows with all labels" for task, block in blocks.items() if not block.size}
    values, reasons = np.full((num, num), np.nan), {}
    for j, target in enumerate(tasks):
        sources = [task for task in tasks if task != target and task not in useless]
        reason = useless.get(target) or _too_few(columns[target], rows, folds) or ("" if sources else "no other label")
        if not reason:
            weights = _weights([blocks[task] for task in sources], columns[target], rows, folds, seed)
            for task, weight in zip(sources, weights, strict=True):
                values[tasks.index(task), j] = weight
        for task in tasks:
            why = reason or useless.get(task, "")
            if why and task != target:
                culprit = target if reason else task
                reasons[task, target] = f"{culprit}: {why}"
    return Matrix(tasks, values, "lasso", np.full((num, num), rows.sum()), reasons=reasons)


def _useless(column: Labels) -> str:
    """Returns the reason if labels cannot predict others, else an empty string."""
    known = column.values[column.there]
    if column.sequence:
        return "a sequence"
    return "no label" if not known.size else "one value only" if np.ptp(known) == 0 else ""


def _too_few(column, rows, folds):
    """Returns the reason if labels cannot be predicted, else an empty string."""
    if rows.sum() < 2 * folds:
        return f"fewer than {2 * folds} rows with all labels"
    if column.kind != "numbers" and any(min(_sizes(values)) < folds for values in column.values[rows].T):
        return f"a class with fewer than {folds} rows"
    return ""


def _sizes(values):
    return np.unique(values, return_counts=True)[1]


def _block(column, rows):
    """Returns the labels of a task as standardised columns, without constant ones. [n, k]"""
    values = column.values[rows]
    if column.kind == "classes":
        values = (values == np.unique(values)).astype("float64")
    values = values[:, np.ptp(values, axis=0) > 0] if len(values) else values[:, :0]
    return (values - values.mean(axis=0)) / values.std(axis=0) if values.size else values


def _weights(blocks, target, rows, folds, seed):
    """Returns the weight of each block in the prediction of a target."""
    x = np.concatenate(blocks, axis=1)
    columns = [values for values in target.values[rows].T if np.ptp(values) > 0]
    fit = _of_numbers if target.kind == "numbers" else _of_classes
    coefficients = np.concatenate([fit(x, values, folds, seed) for values in columns])  # [columns or classes, k]
    parts = np.split(coefficients, np.cumsum([block.shape[1] for block in blocks])[:-1], axis=1)
    return [float(part[0, 0]) if part.size == 1 else math.sqrt((part**2).sum() / len(columns)) for part in parts]


def _of_numbers(x, values, folds, seed):
    """Returns the weights of a Lasso. [1, k]"""
    linear, selection = _library("linear_model"), _library("model_selection")
    model = linear.LassoCV(cv=selection.KFold(folds, shuffle=True, random_state=seed), random_state=seed)
    return _fitted(model, x, (values - values.mean()) / values.std()).coef_[None]


def _of_classes(x, values, folds, seed):
    """Returns the weights of a logistic regression with an L1 penalty; one row for two classes. [1 or classes, k]"""
    linear, selection = _library("linear_model"), _library("model_selection")
    known = inspect.signature(linear.LogisticRegressionCV).parameters
    new = {"l1_ratios": (1,), "use_legacy_attributes": False}  # scikit-learn 1.8 and on
    model = linear.LogisticRegressionCV(
        Cs=np.logspace(-3, 1, 9),
        cv=selection.StratifiedKFold(folds, shuffle=True, random_state=seed),
        scoring="neg_log_loss",
        solver="saga",
        max_iter=500,
        tol=1e-3,
        random_state=seed,
        **(new if "use_legacy_attributes" in known else {"penalty": "l1"}),
    )
    return _fitted(model, x, values.astype(int)).coef_


def _fitted(model, x, y):
    """Fits a model and returns it, without warnings that the weakest penalties did not fully converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", _library("exceptions").ConvergenceWarning)
        return model.fit(x, y)


def _library(part: str) -> Any:
    return need(f"sklearn.{part}", "relatedness", _PURPOSE)
