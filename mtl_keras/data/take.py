"""Selects rows of data."""

from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import error


def take(x: Any, rows: Any) -> Any:
    """Returns the given rows of data. `hold_out` and `k_fold` return such row numbers.

    Args:
        x: An array or tensor [N, ...], a pandas DataFrame or Series, or a dict, list or tuple of them.
        rows: Row numbers, [n]: integers from 0 to N - 1.

    Returns:
        The same structure with n rows.

    Raises:
        ValueError: If `rows` is not a vector of integers, or something in `x` has no rows.
        IndexError: If a row does not exist.

    Example:

    ```python
    x = {"image": np.zeros((10, 8, 8)), "age": np.arange(10)}
    mtl.data.take(x, [0, 9])["age"]  # [0, 9]
    ```
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise ValueError(error("rows", "row numbers, integers of one axis", rows))
    if isinstance(x, dict):
        return {key: take(value, rows) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(take(value, rows) for value in x)
    if not getattr(x, "shape", ()):
        raise ValueError(error("x", "arrays or frames with rows, or a structure of them", x))
    if rows.size and not 0 <= rows.min() <= rows.max() < x.shape[0]:
        raise IndexError(f"`rows` must be from 0 to {x.shape[0] - 1}. Received: {rows.min()} to {rows.max()}.")
    rows = rows.astype("int64")
    if hasattr(x, "iloc"):
        return x.iloc[rows]
    return tf.gather(x, rows) if isinstance(x, tf.Tensor) else x[rows]
