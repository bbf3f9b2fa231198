"""Converts the values of Arrow arrays to NumPy arrays."""

from typing import Any

import numpy as np

from mtl_keras._extras import need


def is_dictionary(array: Any) -> bool:
    """Returns whether an array is dictionary-encoded: it stores each distinct value once."""
    return hasattr(array.type, "index_type")


def list_values(array: Any) -> Any:
    """Returns the values of lists, without those of lists that are null."""
    pa = need("pyarrow", "files", "Reading a table")
    if not isinstance(array, pa.ChunkedArray):
        return array.flatten()
    return pa.chunked_array([chunk.flatten() for chunk in array.chunks], type=array.type.value_type)


def list_lengths(array: Any) -> np.ndarray:
    """Returns the lengths of lists, 0 for null."""
    compute = need("pyarrow.compute", "files", "Reading a table")
    return np.asarray(compute.fill_null(compute.list_value_length(array), 0))


def spread(values: np.ndarray, valid_rows: np.ndarray, shape: tuple[int, ...], fill: Any) -> np.ndarray:
    """Spreads the values of some rows over all rows, with `fill` in the others."""
    out = np.full((len(valid_rows), *shape), fill, values.dtype)
    out[valid_rows] = values.reshape(-1, *shape)
    return out


def numbers(chunked: Any, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns numbers as an array of a dtype, NaN or 0 for null, and which are not null; None if none is null."""
    pa = need("pyarrow", "files", "Reading a table")
    if is_dictionary(chunked):
        chunked = chunked.cast(chunked.type.value_type)
    if pa.types.is_decimal(chunked.type):
        chunked = chunked.cast(pa.float64())
    valid = chunked.is_valid().to_numpy() if chunked.null_count else None
    if valid is not None and dtype.kind != "f":
        chunked = chunked.fill_null(False if pa.types.is_boolean(chunked.type) else 0)
    elif pa.types.is_boolean(chunked.type) and valid is not None:
        chunked = chunked.cast(pa.uint8())
    return chunked.to_numpy().astype(dtype, copy=False), valid
