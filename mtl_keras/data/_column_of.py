"""Chooses the kind of column for an Arrow type."""

import dataclasses
from typing import Any

import numpy as np

from mtl_keras._arguments import count
from mtl_keras._extras import need
from mtl_keras.data._arrow import list_lengths, list_values
from mtl_keras.data._column import Bytes, Column, Numbers, Ragged, Strings

_EXACT = 2**24  # float32 can represent all integers up to this one
_TYPES = "numbers, booleans, strings, bytes, categories, or lists of numbers"


@dataclasses.dataclass(frozen=True)
class Known:
    """Facts about a column's values that are known before they are read.

    Args:
        nulls: Number of nulls; None if unknown.
        low, high: Bounds of its numbers; None if unknown.
        shape: Lengths of its lists by depth; None if they differ or are unknown.
    """

    nulls: int | None = None
    low: Any = None
    high: Any = None
    shape: tuple[int, ...] | None = None


def column_of(kind: Any, key: str, role: str, known: Known, lengths: dict[str, int | None], where: str) -> Column:
    """Returns the column for an Arrow type.

    Args:
        kind: The `pyarrow.DataType`.
        key, role: As in `Column`.
        known: Facts about the values.
        lengths: `{column: length}` of columns of lists to pad.
        where: Name of the file in errors.

    Raises:
        ValueError: If tensors cannot have this type, or the type cannot represent nulls.
    """
    types = need("pyarrow", "files", "Reading a table").types
    name, nullable = f"{where}: the column {key!r}", known.nulls != 0
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind):
        if role != "x":
            raise ValueError(
                f"{name} must be numbers, because it is in `{role}`. Received: {kind}. Number classes from 0, such as "
                "by `column.astype('category').cat.codes` in pandas."
            )
        return Strings(key, role, nullable)
    if types.is_binary(kind) or types.is_large_binary(kind):
        if role != "x":
            raise ValueError(f"{name} must be numbers, because it is in `{role}`. Received: {kind}.")
        return Bytes(key, role, nullable)
    depth, value_type = 0, kind
    while types.is_list(value_type) or types.is_large_list(value_type) or types.is_fixed_size_list(value_type):
        depth, value_type = depth + 1, value_type.value_type
    dtype = _dtype(value_type, types)
    if dtype is None:
        raise ValueError(
            f"{name} must hold {_TYPES}. Received: {kind}. Convert the column in the file, or leave it out of `{role}`."
        )
    if role == "sample_weight" and (depth or dtype.kind not in "fiu"):
        raise ValueError(f"{name} must be numbers, because it is in `sample_weight`. Received: {kind}.")
    dtype = _dtype_of_role(dtype, name, role, known, depth)
    if depth == 0:
        return Numbers(key, role, nullable, dtype)
    if key not in lengths and known.shape is not None:
        return Numbers(key, role, nullable, dtype, known.shape)
    if depth > 1:
        raise ValueError(f"{name} must have lists of lists of one size. Received: {kind} of several sizes.")
    length = lengths.get(key)
    return Ragged(key, role, nullable, dtype, None if length is None else count(f"lengths[{key!r}]", length))


def shape_of_lists(chunked: Any) -> tuple[int, ...] | None:
    """Returns the lengths of the lists of a `pyarrow.ChunkedArray`, by depth: None where they differ."""
    shape: list[int] = []
    while hasattr(chunked.type, "value_field"):
        lengths = np.unique(list_lengths(chunked.drop_null()))
        if len(lengths) != 1:
            return None
        shape.append(int(lengths[0]))
        chunked = list_values(chunked)
    return tuple(shape)


def is_proven(column: Column, known: Known, missing: Any) -> bool:
    """Whether the known facts prove that no label is missing.

    Args:
        column, known: The column of the label, and facts about its values.
        missing: The value of a missing label of this task, as in `mask_missing`.
    """
    if column.nullable or column.is_padded:
        return False
    if missing is None:
        return True
    kind = column.specs[0].dtype
    if kind.is_floating:
        return False  # statistics do not count NaN
    if isinstance(missing, str):
        return kind.is_unsigned or (known.low is not None and known.low >= 0)
    return known.low is not None and not known.low <= missing <= known.high


def _dtype(kind, types):
    """Returns the NumPy dtype of numbers, or None."""
    if types.is_decimal(kind):
        return np.dtype("float64")
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return np.dtype(kind.to_pandas_dtype())
    return None


def _dtype_of_role(dtype, name, role, known, depth):
    """Returns the dtype of the batches."""
    if role == "sample_weight" or dtype == np.float64:
        return np.dtype("float32")
    if dtype.kind == "f":
        return dtype
    if role == "y":
        return np.dtype("int32") if dtype.kind == "b" else dtype
    if known.nulls and not depth:  # only floats can represent null
        if any(bound is not None and abs(bound) > _EXACT for bound in (known.low, known.high)):
            raise ValueError(
                f"{name} must have no null, because its integers are too large for float32, where null is NaN. "
                f"Received: {known.nulls} nulls, and numbers up to {known.high}. Fill the nulls in the file."
            )
        return np.dtype("float32")
    return dtype


def merged(one: Known, two: Known) -> Known:
    """Merges the facts about two sets of rows."""

    def both(function, a, b):
        return None if a is None or b is None else function(a, b)

    return dataclasses.replace(
        one,
        nulls=both(lambda a, b: a + b, one.nulls, two.nulls),
        low=both(min, one.low, two.low),
        high=both(max, one.high, two.high),
    )
