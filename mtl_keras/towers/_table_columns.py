"""Kinds, vocabularies and statistics of the columns of a table."""

import collections

import numpy as np
from keras import layers

from mtl_keras._arguments import number
from mtl_keras.towers._streamed import Moments, Values, inputs_of, is_dataset


def lookup(values, name):
    """Returns a layer that turns each of the values into its index, from 1 on, and every other value into 0."""
    if isinstance(values[0], str):
        unknown = "[UNK]"
        while unknown in values:
            unknown += "_"
        return layers.StringLookup(vocabulary=list(values), oov_token=unknown, name=name)
    return layers.IntegerLookup(vocabulary=list(values), oov_token=min(-1, min(values) - 1), name=name)


def check_categories(categories):
    """Returns `{column: tuple of its values}`, or raises a ValueError."""
    if not isinstance(categories, dict):
        raise ValueError(f"`categories` must be a dict {{column: its values}}. Received: categories={categories!r}.")
    checked = {}
    for column, values in categories.items():
        values = () if isinstance(values, str) else tuple(values)
        strings = all(isinstance(value, str) for value in values)
        integers = all(isinstance(value, int | np.integer | np.bool_) for value in values)
        if not values or not (strings or integers) or len(set(values)) < len(values):
            raise ValueError(
                f"`categories[{column!r}]` must be distinct values, all strings or all integers. "
                f"Received: {categories[column]!r}."
            )
        checked[column] = tuple(map(str if strings else int, values))
    return checked


def check_statistics(name, given, numeric, categories, above=None):
    """Returns `{column: float}`, or raises a ValueError for a number out of range or a non-numeric column."""
    if not isinstance(given, dict):
        raise ValueError(f"`{name}` must be a dict {{column: number}}. Received: {name}={given!r}.")
    for column in given:
        if column in categories or (numeric is not None and column not in numeric):
            raise ValueError(f"`{name}` must name columns of numbers. Received: {column!r}, which is not in `numeric`.")
    return {column: float(number(f"{name}[{column!r}]", value, above=above)) for column, value in given.items()}


def describe(x, categorical, min_count, verbose=0):
    """Returns `numeric`, `categories`, `means` and `variances` of a table.

    Args:
        x: A pandas DataFrame, `{column: array [N]}`, or a dataset of batches of such dicts.
        categorical: Names of the integer columns that are categories.
        min_count: How often a category must be found to be listed.
        verbose: 1 for a progress bar over a dataset, 0 for none.
    """
    if is_dataset(x):
        return _describe_dataset(x, categorical, min_count, verbose)
    if not (isinstance(x, dict) or (hasattr(x, "columns") and hasattr(x, "to_numpy"))):
        raise ValueError(f"`x` must be a DataFrame or a dict {{column: array}}. Received: {type(x).__name__}.")
    twice = sorted({str(column) for i, column in enumerate(x) if column in list(x)[:i]})
    if twice:
        raise ValueError(f"The columns of `x` must have distinct names. Received: {twice} several times. Rename them.")
    _check_names(categorical, list(x))
    found = {"numeric": [], "categories": {}, "means": {}, "variances": {}}
    for column in x:
        values = np.asarray(x[column])
        if values.dtype.kind in "iuf" and column not in categorical:
            found["numeric"].append(column)
            found["means"][column] = float(np.nanmean(values))
            found["variances"][column] = float(np.nanvar(values)) or 1.0  # of a constant column
        else:
            found["categories"][column] = _vocabulary(column, values, min_count, hasattr(x[column], "fillna"))
    return {**found, "numeric": tuple(found["numeric"])}


def _vocabulary(column, values, min_count, of_a_frame):
    """Returns the sorted values of a column that are found often enough."""
    if values.dtype.kind == "S":
        values = values.astype(str)
    strings = values.dtype.kind == "U" or (values.dtype == object and all(isinstance(v, str) for v in values.flat))
    if not strings and values.dtype.kind not in "iub":
        if any(isinstance(v, str) for v in values.flat):
            way_out = 'x.astype(object).fillna("?")' if of_a_frame else 'pd.Series(x).fillna("?")'
        else:
            way_out = 'x.fillna(-1).astype("int64")' if of_a_frame else 'np.nan_to_num(x, nan=-1).astype("int64")'
        raise ValueError(
            f"`x[{column!r}]` must hold strings, integers or booleans alone to be a category. Received: dtype "
            f"{values.dtype}. Fill missing values and convert it, such as by `{way_out}`, where x is the column."
        )
    return _often(column, collections.Counter(values.ravel().tolist()), min_count)


def _describe_dataset(dataset, categorical, min_count, verbose):
    """Does the same as `describe` for the batches of a dataset, in one pass."""
    spec = dataset.element_spec
    spec = spec[0] if isinstance(spec, tuple) else spec
    if not isinstance(spec, dict):
        raise ValueError(f"`x` must be a dataset with inputs {{column: tensor}}. Received: inputs {spec}.")
    _check_names(categorical, list(spec))
    numbers, categories = {}, {}
    for column, one in spec.items():
        dtype = one.dtype.name
        if not 1 <= len(one.shape) <= 2 or (len(one.shape) == 2 and one.shape[1] != 1):
            raise ValueError(f"`x[{column!r}]` must be of shape [B] or [B, 1]. Received: {one.shape}.")
        if column in categorical and "float" in dtype:
            raise ValueError(
                f"`x[{column!r}]` must hold strings, integers or booleans alone to be a category. Received: {dtype}."
            )
        if dtype in ("string", "bool") or column in categorical:
            categories[column] = Values()
        else:
            numbers[column] = Moments()
    for batch in inputs_of(dataset, verbose):
        for column, one in (numbers | categories).items():
            one.add(batch[column])
    return {
        "numeric": tuple(numbers),
        "categories": {column: _often(column, one.counts, min_count) for column, one in categories.items()},
        "means": {column: one.mean for column, one in numbers.items()},
        "variances": {column: one.variance or 1.0 for column, one in numbers.items()},  # of a constant column
    }


def _check_names(categorical, columns):
    if isinstance(categorical, str) or not set(categorical) <= set(columns):
        raise ValueError(f"`categorical` must name columns out of {columns}. Received: categorical={categorical!r}.")


def _often(column, counts, min_count):
    """Returns the sorted values that are found often enough."""
    often = sorted(value for value, count in counts.items() if count >= min_count)
    if not often:
        raise ValueError(
            f"`min_count` must leave each category a value. Received: min_count={min_count}, and the most frequent "
            f"value of {column!r} is found {max(counts.values(), default=0)} times."
        )
    return often
