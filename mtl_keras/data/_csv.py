"""Reads CSV files as a table in blocks of bytes."""

import dataclasses
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from mtl_keras._arguments import error
from mtl_keras._extras import need
from mtl_keras.data._column_of import Known
from mtl_keras.data._csv_rows import header, read_bytes, spans
from mtl_keras.data._roles import assign
from mtl_keras.data._table_source import TableSource
from mtl_keras.data._tables import Block

_SAMPLE = 2**20  # bytes at the start of a file from which the types are inferred


@dataclasses.dataclass(frozen=True)
class _Format:
    """The format of a CSV file.

    Args:
        path: Path of the file.
        names: The columns.
        delimiter: Character between values.
        types: `{column: pyarrow.DataType}` of the columns to read; empty to read all columns and infer their types.
    """

    path: str
    names: list[str]
    delimiter: str
    types: dict[str, Any] = dataclasses.field(default_factory=dict)

    def parse(self, start: int, end: int) -> Any:
        """Returns the `pyarrow.Table` of some bytes of the file, or raises a ValueError that names the file."""
        pa, csv = need("pyarrow", "files", "`from_csv`"), need("pyarrow.csv", "files", "`from_csv`")
        text = read_bytes(self.path, start, end)
        try:
            return csv.read_csv(
                pa.BufferReader(text),
                csv.ReadOptions(column_names=self.names, block_size=max(len(text), 1)),
                csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=b'"' in text),
                csv.ConvertOptions(column_types=self.types, include_columns=list(self.types)),
            )
        except pa.ArrowInvalid as reason:
            named = re.sub(r"CSV column #(\d+)", lambda found: f"the column {self.names[int(found[1])]!r}", str(reason))
            raise ValueError(
                f"{self.path}: the rows in the bytes {start:,} to {end:,} cannot be read: {named}. If a column has "
                'other values than in its first rows, say its dtype: `dtypes={"price": "float32"}`.'
            ) from reason

    def rows(self, start: int, end: int, first: int) -> Iterator[Any]:
        """Yields the rows of some bytes, starting at a row."""
        table = self.parse(start, end)
        yield table.slice(min(first, table.num_rows))


def csv_source(paths: list[str], x: Any, y: Any, sample_weight: Any, delimiter: str, dtypes: Any) -> TableSource:
    """Returns the table of CSV files: counts the rows, and infers the types from the first rows.

    Args:
        paths: The files. Files without rows are ignored.
        x, y, sample_weight, delimiter, dtypes: As in `from_csv`.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ValueError(error("delimiter", "one character", delimiter))
    files = []
    for path in paths:
        names, start = header(path)
        with_rows = [span for span in spans(path, start) if span[2]]
        if with_rows:
            files.append((_Format(path, _names(path, names, delimiter), delimiter), with_rows))
    if not files:
        raise ValueError(
            f"`files` must have rows. Received: {len(paths)} files without rows, the first is {paths[0]!r}."
        )
    first = files[0][0]
    roles = assign(x, y, sample_weight, first.names, first.path)
    types, known = _given(dtypes, roles.columns), {name: Known() for name in roles.columns}
    for form, parts in files:
        _find_types(types, dtypes or (), known, form, parts[0], first.path)
    empty = [name for name in roles.columns if types[name] is None]
    if empty:
        raise ValueError(
            f"{first.path}: the column {empty[0]!r} has no value in its first rows. Say its dtype: "
            f'`dtypes={{{empty[0]!r}: "float32"}}`.'
        )
    blocks = [
        Block(form.path, rows, partial(dataclasses.replace(form, types=types).rows, start, end))
        for form, parts in files
        for start, end, rows in parts
    ]
    return TableSource(first.path, roles, types, known, blocks)


def _names(path, first, delimiter):
    """Returns the names of the columns, from the first row."""
    pa, csv = need("pyarrow", "files", "`from_csv`"), need("pyarrow.csv", "files", "`from_csv`")
    try:
        return csv.read_csv(pa.BufferReader(first), parse_options=csv.ParseOptions(delimiter=delimiter)).column_names
    except pa.ArrowInvalid as reason:
        raise ValueError(f"{path}: the first row must name the columns. Received: {first[:80]!r}.") from reason


def _given(dtypes, columns):
    """Returns `{column: pyarrow.DataType, or None}`."""
    pa = need("pyarrow", "files", "`from_csv`")
    types = dict.fromkeys(columns)
    if dtypes is not None and not isinstance(dtypes, dict):
        raise ValueError(error("dtypes", "a dict {column: dtype}", dtypes))
    for name, dtype in (dtypes or {}).items():
        if name not in types:
            raise ValueError(f"`dtypes` must name columns that are used, out of {columns}. Received: {name!r}.")
        try:
            types[name] = pa.string() if dtype in (str, "string") else pa.from_numpy_dtype(np.dtype(dtype))
        except (TypeError, pa.ArrowException) as reason:
            raise ValueError(error(f"dtypes[{name!r}]", 'a dtype such as "float32" or "string"', dtype)) from reason
    return types


def _find_types(types, given, known, form, block, where):
    """Infers the types that are not known yet, and whether columns have nulls, from the first rows."""
    pa = need("pyarrow", "files", "`from_csv`")
    lacking = [name for name in types if name not in form.names]
    if lacking:
        raise ValueError(
            f"{form.path}: the column {lacking[0]!r} is missing, but {where} has it. Received: {form.names}."
        )
    start, end, _ = next(span for span in spans(form.path, block[0], _SAMPLE) if span[2])
    sample = form.parse(start, end)
    for name in types:
        found = sample.column(name)
        if found.null_count:
            known[name] = Known(nulls=found.null_count)
        if name in given or pa.types.is_null(found.type):
            continue
        kind = found.type if pa.types.is_boolean(found.type) or _is_number(found.type) else pa.string()
        if types[name] is not None and kind != types[name]:
            if not (_is_number(kind) and _is_number(types[name])):
                raise ValueError(
                    f"{form.path}: the column {name!r} must be {types[name]}, as in {where}. Received: {kind}. Say its "
                    f'dtype: `dtypes={{{name!r}: "string"}}`.'
                )
            kind = pa.float64()
        types[name] = kind


def _is_number(kind):
    types = need("pyarrow", "files", "`from_csv`").types
    return types.is_integer(kind) or types.is_floating(kind)
